import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from darts_tf.relaxations import Dirichlet
from darts_tf.relaxations.dirichlet import concentration
from darts_tf.spaces import Space

DRAWS = 20_000
LOGITS = np.array([[0.8, -0.7, 0.0, 1.5]], "float32")


@pytest.fixture(scope="module")
def one_edge():
    names = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
    return Space("one_edge", names, nodes=1, inputs=1, cell_types=("normal",))


@pytest.fixture(scope="module")
def many(many_edges):
    return many_edges(DRAWS)


def draw(many, seed):
    alpha = tf.constant(np.repeat(LOGITS, DRAWS, 0))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(alpha)
        weights = Dirichlet().weights(many, "normal", {"alpha": alpha}, None, seed)
        columns = tf.unstack(weights, axis=1)
    return weights.numpy(), [tape.gradient(column, alpha).numpy() for column in columns]


def test_concentration():
    got = concentration(tf.constant([-1e9, -1.0, 0.0, 2.0]))
    np.testing.assert_allclose(got, [0.0, np.exp(-1), 1.0, 3.0], rtol=1e-6)


def test_moments_of_the_draws(many, seeds):
    weights, _ = draw(many, seeds(1)[0])
    c = concentration(LOGITS[0]).numpy()
    exact = scipy.stats.dirichlet(c.astype("float64"))
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(weights.mean(0), exact.mean(), atol=4 * 0.3 / DRAWS**0.5)
    np.testing.assert_allclose(weights.var(0), exact.var(), rtol=0.05)


def test_mean_gradient_is_the_gradient_of_the_mean(many, seeds):
    """E[w_a] = c_a / sum c, so dE[w_a]/dc_b = (delta_ab - E[w_a]) / sum c."""
    _, gradients = draw(many, seeds(1)[0])
    c = concentration(LOGITS[0]).numpy()
    slope = np.where(LOGITS[0] > 0, 1.0, np.exp(LOGITS[0]))  # The derivative of elu.
    for a, gradient in enumerate(gradients):
        expected = ((np.arange(4) == a) - c[a] / c.sum()) / c.sum() * slope
        error = gradient.std(0) / DRAWS**0.5
        assert (np.abs(gradient.mean(0) - expected) < 4.5 * error).all()


def test_implicit_gradient_of_the_gamma_draws():
    """dg/dc = -(dF(g; c)/dc) / f(g; c), with F differentiated numerically by scipy."""
    c = tf.constant([0.4, 1.0, 2.5, 7.0])
    with tf.GradientTape() as tape:
        tape.watch(c)
        g = tf.random.stateless_gamma([4], [1, 2], alpha=c)
    got = tape.gradient(g, c).numpy()
    x, k, h = g.numpy().astype("float64"), c.numpy().astype("float64"), 1e-5
    slope = (scipy.special.gammainc(k + h, x) - scipy.special.gammainc(k - h, x)) / (2 * h)
    np.testing.assert_allclose(got, -slope / scipy.stats.gamma(k).pdf(x), rtol=1e-3)


def test_without_noise_it_is_the_mean(one_edge):
    got = Dirichlet().weights(one_edge, "normal", {"alpha": tf.constant(LOGITS)})
    c = concentration(LOGITS[0]).numpy()
    np.testing.assert_allclose(got[0], c / c.sum(), rtol=1e-6)


def test_the_cell_is_chosen_by_the_softmax(one_edge):
    got = Dirichlet().probabilities(one_edge, "normal", {"alpha": tf.constant(LOGITS)})
    np.testing.assert_allclose(got, tf.nn.softmax(LOGITS), rtol=1e-6)


def test_squared_distance(one_edge):
    """Half the weight times the squares of alpha, which is 0 where the concentration is 1."""
    value = Dirichlet().penalty(one_edge, "normal", {"alpha": tf.constant(LOGITS)})
    np.testing.assert_allclose(value, 1e-3 / 2 * (LOGITS**2).sum(), rtol=1e-6)


def test_divergence(one_edge):
    """KL(Dir(c) || Dir(1)) as the mean of log p/q over draws."""
    relaxation = Dirichlet(distance="kl", distance_weight=1.0)
    value = relaxation.penalty(one_edge, "normal", {"alpha": tf.constant(LOGITS)}).numpy()
    c = concentration(LOGITS[0]).numpy().astype("float64")
    p, q = scipy.stats.dirichlet(c), scipy.stats.dirichlet(np.ones(4))
    draws = p.rvs(100_000, random_state=0).T
    draws = np.maximum(draws, 1e-300) / np.maximum(draws, 1e-300).sum(0)
    terms = p.logpdf(draws) - q.logpdf(draws)
    np.testing.assert_allclose(value, terms.mean(), atol=5 * terms.std() / 100_000**0.5)
    zero = relaxation.penalty(one_edge, "normal", {"alpha": tf.zeros((1, 4))})
    np.testing.assert_allclose(zero, 0, atol=1e-5)


def test_unknown_distance():
    from darts_tf.common.errors import UserError

    with pytest.raises(UserError, match="unknown distance 'l3'; expected one of l2, kl"):
        Dirichlet(distance="l3")


@pytest.mark.parametrize("distance", ["l2", "kl"])
def test_masked_operations(one_edge, distance):
    space = one_edge.restrict({"normal": [("none", "skip_connect", "dil_conv_3x3")]})
    alpha = tf.constant([[0.8, -0.7, 0.3, 1.5]])
    relaxation = Dirichlet(distance=distance)
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        weights = relaxation.weights(space, "normal", {"alpha": alpha}, None, tf.constant([3, 4]))
        total = weights[0, 1] + relaxation.penalty(space, "normal", {"alpha": alpha})
    gradient = tape.gradient(total, alpha).numpy()
    assert weights[0, 2] == 0 and gradient[0, 2] == 0
    np.testing.assert_allclose(weights.numpy().sum(), 1, rtol=1e-6)
    assert np.isfinite(gradient).all() and (gradient[0, [0, 1, 3]] != 0).all()
