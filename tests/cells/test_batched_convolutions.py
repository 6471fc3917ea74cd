import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.batched_convolutions import BatchedConvolution, computed_again, tile
from darts_tf.runtime.shared_traces import SharedTraces


class TestComputedAgain:
    kernel = tf.constant([0.5, -1.0, 2.0])

    def derivatives(self, function):
        """The value, its gradients, and the gradients of their norm."""
        inputs = tf.constant([[1.0, 2.0, 3.0]]), self.kernel
        with tf.GradientTape() as outer, tf.GradientTape() as inner:
            outer.watch(inputs)
            inner.watch(inputs)
            value = tf.reduce_sum(function(*inputs) ** 2)
            first = inner.gradient(value, inputs)
            norm = tf.add_n([tf.reduce_sum(x**2) for x in first])
        return value, *first, *outer.gradient(norm, inputs)

    def test_first_and_second_derivatives(self):
        found = [
            self.derivatives(f)
            for f in (lambda x, k: tf.sin(x * k), computed_again(lambda x, k: tf.sin(x * k)))
        ]
        for one, other in zip(*found, strict=True):
            assert np.abs(one).max() > 1e-3
            np.testing.assert_allclose(other, one, rtol=1e-6)


def kept(layer, scope=contextlib.nullcontext):
    """Types of the operations of a forward pass whose outputs its gradient reads."""
    variables = [v.value for v in layer.trainable_variables]

    @tf.function(autograph=False)
    def run(inputs):
        with scope(), tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True) ** 2)
        forward.update(tf.compat.v1.get_default_graph().get_operations())
        return tape.gradient(loss, [inputs, *variables])

    forward = set()
    graph = run.get_concrete_function(tf.TensorSpec((2, 6, 6, 4))).graph
    later = set(graph.get_operations()) - forward
    return {x.op.type for operation in later for x in operation.inputs if x.op in forward}


@pytest.mark.parametrize("tiled", [False, True])
def test_no_depthwise_output_is_kept(tiled):
    layer = BatchedConvolution(2, 3, tiled=tiled)
    layer.build((None, 6, 6, 8 if tiled else 4))
    assert not kept(layer) & {"DepthwiseConv2dNative", "Tile"}
    # Where the inside of a whole state is computed again it is not done twice.
    assert "DepthwiseConv2dNative" in kept(layer, SharedTraces(recompute=True).active)


def test_of_inputs_that_are_the_same_for_all_edges():
    keras.utils.set_random_seed(0)
    tiled = BatchedConvolution(2, 5, tiled=True)
    plain = BatchedConvolution(2, 5)
    for layer in (tiled, plain):
        layer.build((None, 6, 6, 8))
    plain.set_weights(tiled.get_weights())
    inputs = tf.random.stateless_normal((2, 6, 6, 4), [1, 2])
    found = []
    for layer, enter in ((tiled, tf.identity), (plain, lambda x: tile(x, 2))):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(enter(inputs), training=True) ** 3)
        kernels = [v.value for v in layer.trainable_variables]
        found.append([loss, *tape.gradient(loss, [inputs, *kernels])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
