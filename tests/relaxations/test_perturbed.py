import numpy as np
import tensorflow as tf

from darts_tf.relaxations import Adversarial, Ascent, Draws, Perturbed, Softmax
from darts_tf.relaxations.ascent import onto_simplex

RADIUS = tf.constant(0.05)


def test_no_noise_for_the_architecture(space, alpha):
    for relaxation in (Perturbed(), Adversarial()):
        found = relaxation.weights(space, "normal", {"alpha": alpha}, RADIUS)
        expected = Softmax().weights(space, "normal", {"alpha": alpha})
        np.testing.assert_array_equal(found, expected)
    assert Perturbed().draws == Draws(only=("weights",)) and Perturbed().adversary is None
    assert Adversarial().adversary == Ascent(7) and Adversarial(3).adversary == Ascent(3)


def test_rows_stay_on_the_simplex_and_near_the_softmax(space, alpha, seeds):
    start = tf.nn.softmax(alpha).numpy()
    for radius in (0.03, 0.3, 2.0):
        for seed in seeds(5):
            found = (
                Perturbed()
                .weights(space, "normal", {"alpha": alpha}, tf.constant(radius), seed)
                .numpy()
            )
            np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
            assert found.min() >= 0 and found.max() <= 1
            if radius == 0.03:
                # The sum that a row is divided by is within 8 radii of 1.
                assert (found <= (start + radius) / (1 - 8 * radius) + 1e-6).all()
                assert (found >= (start - radius) / (1 + 8 * radius) - 1e-6).all()


def test_the_noise_has_no_direction(many_edges, seeds):
    space = many_edges(20_000)
    alpha = tf.tile(tf.constant([[0.1, 0.3, 0.0, -0.2]]), [20_000, 1])
    found = Perturbed().weights(space, "normal", {"alpha": alpha}, RADIUS, seeds(1)[0]).numpy()
    start = tf.nn.softmax(alpha[0]).numpy()
    assert np.abs(found - start).max() > 0.05
    np.testing.assert_allclose(found.mean(axis=0), start, atol=1e-3)


def test_the_seed_decides(space, alpha, seeds):
    draws = [
        Perturbed().weights(space, "normal", {"alpha": alpha}, RADIUS, seed).numpy()
        for seed in (*seeds(2), seeds(1)[0])
    ]
    np.testing.assert_array_equal(draws[0], draws[2])
    assert np.abs(draws[0] - draws[1]).max() > 0.01


def test_clipping():
    start = tf.constant([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.4, 0.6, 0.0]])
    moved = tf.constant([[1.2, 0.6, -0.3], [-0.1, -0.2, -0.3], [0.3, 0.3, 0.9]])
    mask = np.array([[True] * 3, [True] * 3, [True, True, False]])
    np.testing.assert_allclose(
        onto_simplex(moved, start, mask), [[0.625, 0.375, 0], [0, 1, 0], [0.5, 0.5, 0]], rtol=1e-6
    )
