import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from darts_tf.relaxations import Draws, GumbelSoftmax, Start

DRAWS = 20_000
LOGITS = tf.constant([[1.0, 0.0, -0.5, 0.5]])


@pytest.fixture(scope="module")
def draw(many_edges, seeds):
    """A function from a temperature to many draws of one edge, `[draws, operations]`."""

    def draw(temperature):
        variables = {"alpha": tf.repeat(LOGITS, DRAWS, 0)}
        space = many_edges(DRAWS)
        return GumbelSoftmax().weights(space, "normal", variables, temperature, seeds(1)[0]).numpy()

    return draw


def probabilities():
    return tf.nn.softmax(tf.cast(LOGITS, tf.float64))[0].numpy()


def test_attributes(space):
    relaxation = GumbelSoftmax()
    assert relaxation.draws == Draws() and relaxation.temperature == 1.0
    assert relaxation.variables(space) == {"alpha": Start((14, 8), 1.0, 0.01)}


@pytest.mark.parametrize("temperature", [2.0, 0.1])
def test_the_largest_weight_is_distributed_as_the_softmax(draw, temperature):
    """For every temperature (proposition 1 of the concrete distribution)."""
    weights = draw(temperature)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    counts = np.bincount(weights.argmax(-1), minlength=4)
    assert scipy.stats.chisquare(counts, DRAWS * probabilities()).pvalue > 1e-3


def test_a_low_temperature_is_a_sample_and_a_high_one_a_mean(draw):
    assert (draw(0.001).max(-1) > 0.999).mean() > 0.99
    np.testing.assert_allclose(draw(1000.0), 0.25, atol=0.01)


def test_the_expected_cost_of_a_sample_is_linear(draw):
    """E[c . Z] = c . softmax(alpha) in the limit of temperature 0."""
    cost = np.array([0.0, 1.0, 5.0, 2.0])
    sampled = draw(0.001) @ cost
    error = abs(sampled.mean() - probabilities() @ cost)
    assert error < 4 * sampled.std() / DRAWS**0.5


def test_a_seed_is_one_draw(space, alpha, seeds):
    def draw(seed):
        return GumbelSoftmax().weights(space, "normal", {"alpha": alpha}, 0.5, seed).numpy()

    one, other = seeds(2)
    np.testing.assert_array_equal(draw(one), draw(one))
    assert np.abs(draw(one) - draw(other)).max() > 0.1


def test_without_noise_it_is_the_softmax(space, alpha):
    variables = {"alpha": alpha}
    for got in (
        GumbelSoftmax().weights(space, "normal", variables, 0.03),
        GumbelSoftmax().probabilities(space, "normal", variables),
    ):
        np.testing.assert_allclose(got, tf.nn.softmax(alpha), rtol=1e-6)


def test_gradient(space, alpha, seeds):
    """dz_a/dalpha_b = z_a (delta_ab - z_b) / temperature."""
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        z = GumbelSoftmax().weights(space, "normal", {"alpha": alpha}, 0.5, seeds(1)[0])
        chosen = z[3, 4]
    got = tape.gradient(chosen, alpha).numpy()
    z = z.numpy()
    expected = np.zeros((14, 8))
    expected[3] = (-z[3, 4] * z[3]) / 0.5
    expected[3, 4] += z[3, 4] / 0.5
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_only_candidates_have_a_weight(space, alpha, seeds):
    few = [("none", "sep_conv_3x3")] * 14
    space = space.restrict({"normal": few, "reduce": few})
    got = GumbelSoftmax().weights(space, "normal", {"alpha": alpha}, 0.1, seeds(1)[0]).numpy()
    np.testing.assert_allclose(got[:, [0, 4]].sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(np.delete(got, [0, 4], 1), 0)
