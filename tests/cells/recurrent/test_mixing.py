import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.recurrent import mixing
from darts_tf.spaces import DARTS_RNN

BATCH, UNITS = 3, 4
NAMES = DARTS_RNN.operations


def values(predecessors=3, seed=0):
    """States, kernel and rows, in float64."""
    rng = np.random.default_rng(seed)
    states = [tf.constant(rng.normal(size=(BATCH, UNITS))) for _ in range(predecessors)]
    kernel = tf.constant(rng.normal(size=(UNITS, 2 * UNITS)))
    rows = tf.nn.softmax(tf.constant(rng.normal(size=(predecessors, len(NAMES)))))
    mask = tf.constant(rng.integers(2, size=(BATCH, UNITS)) / 0.5)
    return states, kernel, rows, mask


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("function", [mixing.defined, mixing.stacked])
def test_by_hand(function):
    states, kernel, rows, mask = values()
    expected = np.zeros((BATCH, UNITS))
    for s, p in zip(states, rows.numpy(), strict=True):
        s = s.numpy()
        c, h = np.split((s * mask.numpy()) @ kernel.numpy(), 2, axis=1)
        c = sigmoid(c)
        for weight, f in zip(p[1:], (np.tanh(h), np.maximum(h, 0), sigmoid(h), h), strict=True):
            expected += weight * (s + c * (f - s))
    np.testing.assert_allclose(function(states, kernel, rows, NAMES, mask), expected, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_the_fast_form_is_the_definition_with_its_derivatives(masked):
    states, kernel, rows, mask = values()
    mask = mask if masked else None
    sources = [*states, kernel, rows]
    rng = np.random.default_rng(1)
    directions = [tf.constant(rng.normal(size=source.shape)) for source in sources]

    def derivatives(function):
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(sources)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(sources)
                value = function(states, kernel, rows, NAMES, mask)
                loss = tf.reduce_sum(tf.sin(value))
            gradients = inner.gradient(loss, sources)
            along = tf.add_n(
                [tf.reduce_sum(g * d) for g, d in zip(gradients, directions, strict=True)]
            )
        return [value, *gradients, *outer.gradient(along, sources)]

    for fast, defined in zip(derivatives(mixing.stacked), derivatives(mixing.defined), strict=True):
        assert np.abs(defined).max() > 0.01
        np.testing.assert_allclose(fast, defined, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("function", [mixing.defined, mixing.stacked])
def test_none_adds_nothing_and_takes_its_share(function):
    states, kernel, rows, _ = values(1)
    whole = function(states, kernel, rows, NAMES)
    nothing = function(states, kernel, tf.one_hot([0], 5, dtype=rows.dtype), NAMES)
    np.testing.assert_array_equal(nothing, tf.zeros_like(whole))
    others = rows * [0, 1, 1, 1, 1]
    np.testing.assert_allclose(function(states, kernel, others, NAMES), whole, atol=1e-15)
    share = tf.reduce_sum(others)
    np.testing.assert_allclose(
        function(states, kernel, others / share, NAMES), whole / share, rtol=1e-12
    )
