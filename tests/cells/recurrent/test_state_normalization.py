import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.recurrent.state_normalization import normalized
from darts_tf.common.errors import UserError

VALUES = np.random.default_rng(0).normal(2.0, 3.0, size=(6, 2))


def test_by_the_batch():
    expected = (VALUES - VALUES.mean(0)) / np.sqrt(VALUES.var(0) + 1e-5)
    np.testing.assert_allclose(normalized(tf.constant(VALUES)), expected, atol=1e-12)


def test_examples_that_do_not_count_have_no_influence():
    valid = np.array([[1.0], [1], [0], [1], [0], [0]])
    kept, alone = valid[:, 0] == 1, VALUES[valid[:, 0] == 1]
    found = normalized(tf.constant(VALUES), tf.constant(valid))
    np.testing.assert_allclose(found[kept], normalized(tf.constant(alone)), atol=1e-12)
    assert np.isfinite(normalized(tf.constant(VALUES), tf.constant(0 * valid))).all()


def test_in_16_bits_it_is_computed_in_32():
    """The square of 300 and the sum of these are beyond float16 and the digits of bfloat16."""
    values = tf.constant([[300.0], [301.0], [302.0], [303.0]], tf.float16)
    found = normalized(values)
    assert found.dtype == tf.float16
    np.testing.assert_allclose(found[:, 0], np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-3)


def test_a_batch_of_one():
    with pytest.raises(UserError, match="this is a batch of 1, .* at least 2 sequences"):
        normalized(tf.constant(VALUES[:1]))


def test_second_derivative():
    """That of Keras' own normalisation is wrong by a term (see `BatchNormalization`)."""
    x, v = tf.constant(VALUES), tf.constant(np.random.default_rng(1).normal(1, 1, size=(6, 2)))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(normalized(x) * np.arange(12.0).reshape(6, 2)))
        return tape.gradient(loss, x)

    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(gradient(x) * v)
    exact = tape.gradient(along, x)
    step = 1e-5
    differences = (gradient(x + step * v) - gradient(x - step * v)) / (2 * step)
    assert np.abs(exact).max() > 0.1
    np.testing.assert_allclose(exact, differences, rtol=1e-6, atol=1e-7)
