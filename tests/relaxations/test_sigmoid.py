import numpy as np
import tensorflow as tf

from darts_tf.relaxations import Sigmoid, Start


def penalty_and_gradient(space, alpha, **options):
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        value = Sigmoid(**options).penalty(space, "normal", {"alpha": alpha})
    return value.numpy(), tape.gradient(value, alpha).numpy()


def test_every_operation_is_independent_and_none_has_no_weight(space, alpha):
    got = Sigmoid().weights(space, "normal", {"alpha": alpha}).numpy()
    np.testing.assert_allclose(got[:, 1:], 1 / (1 + np.exp(-alpha.numpy()[:, 1:])), rtol=1e-5)
    np.testing.assert_array_equal(got[:, 0], 0)


def test_starts_at_zero(space):
    assert Sigmoid().variables(space) == {"alpha": Start((14, 8), 0.0, 0.0)}


def test_zero_one_loss(space, alpha):
    """-10 * mean of (sigmoid - .5)^2 over the 2 * 14 * 7 operations other than none."""
    s = 1 / (1 + np.exp(-alpha.numpy()[:, 1:]))
    value, gradient = penalty_and_gradient(space, alpha)
    np.testing.assert_allclose(value, -10 * ((s - 0.5) ** 2).sum() / 196, rtol=1e-5)
    np.testing.assert_allclose(gradient[:, 1:], -20 * (s - 0.5) * s * (1 - s) / 196, atol=1e-7)
    np.testing.assert_array_equal(gradient[:, 0], 0)


def test_zero_one_loss_pushes_away_from_one_half_where_it_has_a_saddle(space, alpha):
    _, gradient = penalty_and_gradient(space, alpha)
    # A step against the gradient moves every weight further from one half.
    assert (np.sign(-gradient[:, 1:]) == np.sign(alpha.numpy()[:, 1:])).all()
    _, gradient = penalty_and_gradient(space, tf.zeros((14, 8)))
    np.testing.assert_array_equal(gradient, 0)


def test_absolute_variant(space, alpha):
    s = 1 / (1 + np.exp(-alpha.numpy()[:, 1:]))
    value, _ = penalty_and_gradient(space, alpha, zero_one_weight=2.0, absolute=True)
    np.testing.assert_allclose(value, -2 * np.abs(s - 0.5).sum() / 196, rtol=1e-5)


def test_no_weight_no_penalty(space, alpha):
    assert Sigmoid(zero_one_weight=0.0).penalty(space, "normal", {"alpha": alpha}) is None
