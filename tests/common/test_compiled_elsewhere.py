import tensorflow as tf

from darts_tf.common.compiled_elsewhere import compiled_elsewhere, on_cpu
from darts_tf.layers.depthwise import depthwise_conv2d


def operations_of_gradient():
    """The types in which the gradient of a depthwise convolution in bfloat16 is computed."""

    @tf.function(autograph=False)
    def gradient(inputs, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            outputs = depthwise_conv2d(inputs, kernel)
        return tape.gradient(outputs, kernel)

    inputs, kernel = tf.zeros([1, 4, 4, 2], tf.bfloat16), tf.zeros([3, 3, 2, 1], tf.bfloat16)
    graph = gradient.get_concrete_function(inputs, kernel).graph
    found = [op for op in graph.get_operations() if op.type.endswith("BackpropFilter")]
    return {op.outputs[0].dtype for op in found}


def test_what_an_accelerator_wants():
    """Elsewhere nothing goes by way of float32, as it does on a CPU."""
    assert on_cpu() and operations_of_gradient() == {tf.float32}
    with compiled_elsewhere():
        assert not on_cpu() and operations_of_gradient() == {tf.bfloat16}
    assert on_cpu()
