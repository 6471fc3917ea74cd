import numpy as np
import pytest
import tensorflow as tf

from darts_tf.layers.pooling import average_pool, max_pool

CASES = [(3, 1, "SAME"), (3, 2, "VALID"), (2, 2, "SAME")]


def derivatives(pool, inputs):
    """Outputs, the gradient of a loss of them, and the gradient of its directional derivative."""
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            outputs = pool(inputs)
            loss = tf.reduce_sum(tf.sin(outputs))
        first = inner.gradient(loss, inputs)
        along = tf.reduce_sum(first * tf.cos(10 * tf.stop_gradient(inputs)))
    return outputs, first, outer.gradient(along, inputs)


@pytest.mark.parametrize("graph", ["eager", "function", "nested"])
@pytest.mark.parametrize(("size", "strides", "padding"), CASES)
def test_two_derivatives(size, strides, padding, graph):
    """Against differences; TensorFlow's own second derivative is wrong in a graph."""
    inputs = np.random.default_rng(0).normal(size=(2, 7, 6, 3))

    def pool(inputs):
        return max_pool(tf.identity(inputs), size, strides, padding)

    if graph == "nested":
        pool = tf.function(pool, autograph=False)

    def run(inputs):
        return derivatives(pool, inputs)

    if graph != "eager":
        run = tf.function(run, autograph=False)
    outputs, first, second = run(tf.constant(inputs))

    plain = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(plain)
        pooled = tf.nn.max_pool2d(plain, size, strides, padding)
        loss = tf.reduce_sum(tf.sin(pooled))
    np.testing.assert_array_equal(outputs, pooled)
    np.testing.assert_array_equal(first, tape.gradient(loss, plain))

    # Of the Hessian's symmetry: its product with a vector is a derivative along that vector.
    step, along = 1e-5, np.cos(10 * inputs)
    ahead, behind = (run(tf.constant(inputs + sign * step * along))[1] for sign in (1, -1))
    np.testing.assert_allclose(second, (ahead - behind) / (2 * step), atol=1e-8)
    assert np.abs(second).max() > 0.1


def test_the_gradient_pools_by_itself():
    """Nothing lies between the pooling and its gradient; it would cost oneDNN's kernel."""

    @tf.function(autograph=False)
    def gradient(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.identity(max_pool(inputs, 3, 1, "SAME"))
        return tape.gradient(outputs, inputs)

    graph = gradient.get_concrete_function(tf.ones([1, 4, 4, 1])).graph
    (operation,) = [x for x in graph.get_operations() if x.type == "MaxPoolGrad"]
    assert operation.inputs[1].op.type == "MaxPool"


@pytest.mark.parametrize(("size", "strides", "padding"), CASES)
def test_xla_chooses_the_same_of_equal_pixels(size, strides, padding):
    """In both derivatives. Where "SAME" pads one side only, XLA chooses another one on a CPU."""
    inputs = tf.constant(np.random.default_rng(0).integers(0, 3, (2, 8, 10, 3)), tf.float32)

    def run(inputs):
        return derivatives(lambda x: max_pool(x, size, strides, padding), inputs)

    plain, compiled = (
        tf.function(run, autograph=False, jit_compile=xla)(inputs) for xla in (False, True)
    )
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-6)
    # One of several, not all of them.
    assert np.count_nonzero(plain[1]) < np.count_nonzero(inputs == 2)


@pytest.mark.parametrize("graph", ["eager", "function"])
@pytest.mark.parametrize(("size", "channels"), [(3, 3), (5, 2), (3, 16)])
def test_average_pooling_is_tensorflows(size, channels, graph):
    """Outputs and two derivatives, at images as small as a window too."""

    def plain(inputs):
        return tf.nn.avg_pool2d(inputs, size, 1, "SAME")

    def run(pool, inputs):
        return derivatives(pool, inputs)

    if graph == "function":
        run = tf.function(run, autograph=False)
    for shape in [(2, 7, 6, channels), (2, 2, 1, channels)]:
        inputs = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
        found = run(lambda x: average_pool(x, size), inputs)
        for own, expected in zip(found, run(plain, inputs), strict=True):
            np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("channels", "dtype", "own"), [
    (8, "float32", True), (36, "float32", True), (32, "float32", False), (8, "float64", False),
])  # fmt: skip
def test_which_average_pooling_has_a_gradient_of_its_own(channels, dtype, own):
    @tf.function(autograph=False)
    def gradient(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = average_pool(inputs, 3)
        return tape.gradient(outputs, inputs)

    graph = gradient.get_concrete_function(tf.ones([1, 4, 4, channels], dtype)).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert ("AvgPoolGrad" in kinds) is not own
