import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights
from darts_tf.layers.depthwise import DepthwiseConv2D, depthwise_conv2d

CASES = [
    # kernel, strides, padding, width
    (3, 1, "SAME", 6),
    (5, 1, "SAME", 6),
    (5, 1, "SAME", 7),
    (7, 1, "SAME", 6),
    (5, 2, "VALID", 9),
    (5, 2, "SAME", 6),
    (5, 1, "VALID", 8),
]


def derivatives(function, inputs, kernel):
    """Outputs, first gradients, and the gradients of a directional derivative."""
    at = [inputs, kernel]
    directions = [tf.cos(10 * x) for x in at]
    with tf.GradientTape() as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            outputs = function(*at)
            loss = tf.reduce_sum(tf.sin(outputs))
        first = inner.gradient(loss, at)
        along = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(first, directions, strict=True)])
    return [outputs, *first, *outer.gradient(along, at)]


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize(("size", "strides", "padding", "width"), CASES)
def test_two_derivatives_are_tensorflows(size, strides, padding, width, graph):
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(2, 8, width, 3)))
    kernel = tf.constant(rng.normal(size=(size, size, 3, 1)))
    steps = [1, strides, strides, 1]

    def ours(inputs, kernel):
        return derivatives(lambda x, w: depthwise_conv2d(x, w, strides, padding), inputs, kernel)

    got = (tf.function(ours, autograph=False) if graph else ours)(inputs, kernel)
    wanted = derivatives(lambda x, w: tf.nn.depthwise_conv2d(x, w, steps, padding), inputs, kernel)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_no_gradient_in_constant_kernels():
    inputs, kernel = tf.ones([1, 4, 4, 2]), tf.ones([5, 5, 2, 1])
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        with constant_weights():
            outputs = depthwise_conv2d(tf.cast(inputs, tf.bfloat16), tf.cast(kernel, tf.bfloat16))
    in_inputs, in_kernel = tape.gradient(outputs, [inputs, kernel])
    # Of every output pixel but those whose window a pixel is too far away from.
    np.testing.assert_array_equal(in_inputs[0, :, :, 0], np.outer([3, 4, 4, 3], [3, 4, 4, 3]))
    assert in_kernel is None


@pytest.mark.parametrize(("strides", "padding"), [(1, "same"), (2, "valid")])
def test_the_layer_is_keras_own(strides, padding):
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(2, 9, 9, 3)), tf.float32)
    ours = DepthwiseConv2D(5, strides=strides, padding=padding, use_bias=False)
    theirs = keras.layers.DepthwiseConv2D(5, strides=strides, padding=padding, use_bias=False)
    found = []
    for layer in (ours, theirs):
        layer.build(inputs.shape)
        layer.kernel.assign(rng.normal(size=layer.kernel.shape) if layer is ours else ours.kernel)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        found.append([outputs, *tape.gradient(loss, [inputs, layer.kernel.value])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_the_batch_may_be_of_any_size():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 2]), tf.TensorSpec([5, 5, 2, 1])])
    def gradient(inputs, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            loss = tf.reduce_sum(depthwise_conv2d(inputs, kernel))
        return tape.gradient(loss, kernel)

    # Every tap of the middle of the kernel sees all pixels but those beyond the border.
    sums = gradient(tf.ones([3, 4, 4, 2]), tf.zeros([5, 5, 2, 1]))[:, :, 0, 0].numpy()
    rows = [2, 3, 4, 3, 2]
    np.testing.assert_array_equal(sums, 3 * np.outer(rows, rows))


@pytest.mark.parametrize("size", [3, 5])
def test_gradients_in_bfloat16_are_those_of_float32_rounded(size):
    rng = np.random.default_rng(0)
    inputs = tf.cast(rng.normal(size=(2, 8, 8, 4)), tf.bfloat16)
    kernel = tf.cast(rng.normal(size=(size, size, 4, 1)), tf.bfloat16)
    upstream = tf.cast(rng.normal(size=(2, 8, 8, 4)), tf.bfloat16)
    found = []
    for dtype in (tf.bfloat16, tf.float32):
        at = [tf.cast(x, dtype) for x in (inputs, kernel)]
        with tf.GradientTape() as tape:
            tape.watch(at)
            outputs = depthwise_conv2d(*at)
        found.append(tape.gradient(outputs, at, tf.cast(upstream, dtype)))
    for low, high in zip(*found, strict=True):
        assert low.dtype == tf.bfloat16
        np.testing.assert_array_equal(
            tf.cast(low, tf.float32), tf.cast(tf.cast(high, tf.bfloat16), tf.float32)
        )
