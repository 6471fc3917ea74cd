import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.recurrent.state_normalization import StateNormalization
from darts_tf.common.constant_weights import constant_weights

VALUES = np.random.default_rng(0).normal(2.0, 3.0, size=(6, 2))


@pytest.fixture
def layer():
    return StateNormalization(states=3, units=2, dtype="float64")


def test_by_the_batch(layer):
    normalized, statistics = layer.by_batch(tf.constant(VALUES))
    mean, variance = VALUES.mean(0), VALUES.var(0)
    np.testing.assert_allclose(normalized, (VALUES - mean) / np.sqrt(variance + 1e-5), atol=1e-12)
    np.testing.assert_allclose(statistics, [mean, variance], atol=1e-12)


def test_examples_that_do_not_count_have_no_influence(layer):
    valid = np.array([[1.0], [1], [0], [1], [0], [0]])
    normalized, statistics = layer.by_batch(tf.constant(VALUES), tf.constant(valid))
    kept, alone = valid[:, 0] == 1, VALUES[valid[:, 0] == 1]
    expected, same = layer.by_batch(tf.constant(alone))
    np.testing.assert_allclose(normalized[kept], expected, atol=1e-12)
    np.testing.assert_allclose(statistics, same, atol=1e-12)
    normalized, statistics = layer.by_batch(tf.constant(VALUES), tf.constant(0 * valid))
    assert np.isfinite(normalized).all() and not np.any(statistics)


def test_moving_statistics(layer):
    layer.move(tf.constant(np.arange(12.0).reshape(2, 3, 2)), tf.constant(5.0, tf.float64))
    mean, variance = np.arange(6.0).reshape(3, 2), np.arange(6.0, 12).reshape(3, 2)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, atol=1e-12)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance * 5 / 4, atol=1e-12)
    normalized = layer.by_moving(tf.constant(VALUES), 2)
    expected = (VALUES - [0.4, 0.5]) / np.sqrt(0.9 + 0.125 * np.array([10, 11]) + 1e-5)
    np.testing.assert_allclose(normalized, expected, atol=1e-12)


def test_nothing_moves_where_weights_are_constant(layer):
    with constant_weights():
        layer.move(tf.ones([2, 3, 2], tf.float64), tf.constant(5.0, tf.float64))
    assert not np.any(layer.moving_mean) and np.all(layer.moving_variance.numpy() == 1)


def test_second_derivative():
    """That of Keras' own normalisation is wrong by a term (see `BatchNormalization`)."""
    layer = StateNormalization(1, 2, dtype="float64")
    x, v = tf.constant(VALUES), tf.constant(np.random.default_rng(1).normal(1, 1, size=(6, 2)))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(layer.by_batch(x)[0] * np.arange(12.0).reshape(6, 2)))
        return tape.gradient(loss, x)

    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(gradient(x) * v)
    exact = tape.gradient(along, x)
    step = 1e-5
    differences = (gradient(x + step * v) - gradient(x - step * v)) / (2 * step)
    assert np.abs(exact).max() > 0.1
    np.testing.assert_allclose(exact, differences, rtol=1e-6, atol=1e-7)
