import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from darts_tf.common.draws import gumbel
from darts_tf.relaxations import Draws, HardGumbel

DRAWS = 20_000
LOGITS = tf.constant([[1.0, 0.0, -0.5, 0.5]])


def test_attributes():
    relaxation = HardGumbel()
    assert relaxation.draws == Draws(single=True) and relaxation.temperature == 10.0
    assert relaxation.cell == "sampled"


@pytest.mark.parametrize("temperature", [10.0, 1.0, 0.1])
def test_operations_are_drawn_from_the_softmax(many_edges, seeds, temperature):
    variables = {"alpha": tf.repeat(LOGITS, DRAWS, 0)}
    weights = (
        HardGumbel()
        .weights(many_edges(DRAWS), "normal", variables, temperature, seeds(1)[0])
        .numpy()
    )
    counts = np.bincount(weights.argmax(-1), minlength=4)
    expected = tf.nn.softmax(tf.cast(LOGITS, tf.float64))[0].numpy()
    assert scipy.stats.chisquare(counts, DRAWS * expected).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [10.0, 0.1])
def test_weights_are_exactly_one_and_zero(many_edges, seeds, temperature):
    variables = {"alpha": tf.repeat(5 * LOGITS, 1000, 0)}
    weights = (
        HardGumbel()
        .weights(many_edges(1000), "normal", variables, temperature, seeds(1)[0])
        .numpy()
    )
    assert set(weights.ravel()) == {0.0, 1.0}
    np.testing.assert_array_equal(weights.sum(-1), 1)


def test_gradient_is_the_formula(space, alpha, seeds):
    """dL/dalpha_j = <dL/dy, o_k> p_k ((j == k) - p_j) / temperature, through h[k] alone."""
    (seed,), temperature = seeds(1), tf.constant(0.7)
    slopes = np.random.default_rng(0).normal(size=(14, 8)).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        weights = HardGumbel().weights(space, "normal", {"alpha": alpha}, temperature, seed)
        # A loss in which operations that were not drawn have a slope too, which must not count.
        loss = tf.reduce_sum(weights * slopes)
    got = tape.gradient(loss, alpha).numpy()
    p = tf.nn.softmax((tf.nn.log_softmax(alpha) + gumbel((14, 8), seed)) / temperature).numpy()
    drawn = p.argmax(-1)
    np.testing.assert_array_equal(weights.numpy(), np.eye(8)[drawn])
    edges = np.arange(14)
    pk, slope = p[edges, drawn, None], slopes[edges, drawn, None]
    np.testing.assert_allclose(got, slope * pk * (np.eye(8)[drawn] - p) / 0.7, atol=1e-6)


def test_a_seed_is_one_draw(space, alpha, seeds):
    def draw(seed):
        return HardGumbel().weights(space, "normal", {"alpha": alpha}, 1.0, seed).numpy()

    one, other = seeds(2)
    np.testing.assert_array_equal(draw(one), draw(one))
    assert np.any(draw(one) != draw(other))


def test_without_noise_it_is_the_likeliest_operation(space, alpha):
    variables = {"alpha": alpha}
    weights = HardGumbel().weights(space, "normal", variables, 0.1)
    np.testing.assert_array_equal(weights, np.eye(8)[alpha.numpy().argmax(-1)])
    got = HardGumbel().probabilities(space, "normal", variables)
    np.testing.assert_allclose(got, tf.nn.softmax(alpha), rtol=1e-5)


def test_only_candidates_are_drawn(space, alpha, seeds):
    few = [("none", "sep_conv_3x3")] * 14
    space = space.restrict({"normal": few, "reduce": few})
    for seed in seeds(5):
        weights = HardGumbel().weights(space, "normal", {"alpha": alpha}, 10.0, seed).numpy()
        np.testing.assert_array_equal(weights[:, [0, 4]].sum(-1), 1)
    got = HardGumbel().probabilities(space, "normal", {"alpha": alpha}).numpy()
    np.testing.assert_array_equal(np.delete(got, [0, 4], 1), 0)
