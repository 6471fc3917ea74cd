import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights
from darts_tf.runtime import shared_traces
from darts_tf.runtime.shared_traces import SharedTraces


class Counting(keras.layers.Layer):
    """A kernel, a statistic that moves, and how often `call` was run by Python."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.runs = 0
        self.kernel = self.add_weight(shape=(3,), initializer="uniform")
        self.statistic = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.runs += 1
        self.statistic.assign(self.statistic + tf.reduce_sum(inputs))
        return tf.sin(inputs * self.kernel)


def evaluate(layers, inputs, traces=None):
    """Outputs, and the gradients in the kernels, of one layer after the other."""
    kernels = [layer.kernel.value for layer in layers]

    @tf.function(autograph=False)
    def run(inputs):
        with tf.GradientTape() as tape:
            for layer in layers:
                inputs = shared_traces.call(layer, "key", inputs)
            loss = tf.reduce_sum(inputs)
        return [inputs, *tape.gradient(loss, kernels)]

    if traces is None:
        return run(inputs)
    with traces.active():
        return run(inputs)


def test_layers_share_a_trace_but_no_variable():
    keras.utils.set_random_seed(0)
    layers = [Counting() for _ in range(3)]
    inputs = tf.constant([[1.0, 2.0, 3.0]])
    wanted = evaluate(layers, inputs)
    statistics = [layer.statistic.numpy() for layer in layers]
    assert len({*statistics}) == 3 and [layer.runs for layer in layers] == [1, 1, 1]
    for layer in layers:
        layer.statistic.assign(0)
    got = evaluate(layers, inputs, SharedTraces())
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_allclose([layer.statistic.numpy() for layer in layers], statistics, rtol=1e-6)
    assert [layer.runs for layer in layers] == [2, 1, 1]


def test_the_scope_ends():
    with SharedTraces().active():
        pass
    layer = Counting()
    for _ in range(2):
        shared_traces.call(layer, "key", tf.ones([1, 3]))
    assert layer.runs == 2


def test_recomputation_changes_neither_gradient_nor_statistics():
    """Twice: the second derivative, too, and the statistic moves once."""
    keras.utils.set_random_seed(0)
    layer = Counting()
    inputs = tf.constant([[1.0, 2.0, 3.0]])
    kernel = layer.kernel.value

    @tf.function(autograph=False)
    def run(traces):
        with traces.active(), tf.GradientTape() as outer, tf.GradientTape() as inner:
            outer.watch(inputs)
            loss = tf.reduce_sum(shared_traces.call(layer, "key", inputs) ** 2)
            gradient = inner.gradient(loss, kernel)
        return [loss, gradient, outer.gradient(gradient, [kernel, inputs])]

    found = []
    for recompute in (False, True):
        layer.statistic.assign(0)
        found.append(tf.nest.flatten(run(SharedTraces(recompute))))
        assert layer.statistic.numpy() == 6
    assert all(np.abs(x).max() > 1e-3 for x in found[0])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5)


class Scaling(keras.layers.Layer):
    """A kernel and a statistic with an entry for every channel."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.runs = 0
        self.kernel = self.add_weight(shape=(channels,), initializer="uniform")
        self.statistic = self.add_weight(shape=(channels,), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.runs += 1
        self.statistic.assign(tf.reduce_mean(inputs, 0))
        return tf.sin(inputs * self.kernel)


def test_constant_weights_have_no_gradient_and_no_statistics():
    layer = Scaling(3)
    inputs, kernel = tf.constant([[1.0, 2.0, 3.0]]), layer.kernel.value
    traces = SharedTraces()

    @tf.function(autograph=False)
    def run(constant):
        with traces.active(), constant_weights(constant), tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            loss = tf.reduce_sum(shared_traces.call(layer, "key", inputs))
        none = tf.UnconnectedGradients.ZERO
        return tape.gradient(loss, [inputs, kernel], unconnected_gradients=none)

    in_inputs, in_kernel = run(True)
    assert not in_kernel.numpy().any() and not layer.statistic.numpy().any()
    wanted, also_in_kernel = run(False)
    np.testing.assert_allclose(in_inputs, wanted, rtol=1e-6)
    assert also_in_kernel.numpy().all() and layer.statistic.numpy().all()


class Costly(keras.layers.Layer):
    """A kernel, and a loss of the layer's own; its other variable never moves."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kernel = self.add_weight(shape=(3,), initializer="uniform")
        self.rate = self.add_weight(shape=(), initializer="ones", trainable=False)

    def call(self, inputs):
        outputs = tf.sin(inputs * self.kernel) * self.rate
        self.add_loss(tf.reduce_sum(outputs**2))
        return outputs


@pytest.mark.parametrize("recompute", [False, True])
def test_losses_of_layers_arrive(recompute):
    """With their gradients; and nothing is assigned to what does not move."""
    keras.utils.set_random_seed(0)
    layers = [Costly(), Costly()]
    kernels = [layer.kernel.value for layer in layers]
    inputs = tf.constant([[1.0, 2.0, 3.0]])

    def run(scope):
        @tf.function(autograph=False)
        def run():
            with scope(), keras.StatelessScope(collect_losses=True) as losses:
                with tf.GradientTape() as tape:
                    for layer in layers:
                        shared_traces.call(layer, "key", inputs)
                    loss = tf.add_n(losses.losses)
                return [loss, *tape.gradient(loss, kernels)]

        kinds = {x.type for x in run.get_concrete_function().graph.get_operations()}
        assert "AssignVariableOp" not in kinds
        return run()

    wanted = run(contextlib.nullcontext)
    for one, other in zip(run(SharedTraces(recompute).active), wanted, strict=True):
        assert np.abs(other).max() > 1e-3
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_frozen_layer_has_a_trace_of_its_own():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.BatchNormalization() for _ in range(3)]
    for layer in layers:
        layer.build((None, 3))
    layers[1].trainable = False
    inputs = tf.constant([[1.0, 2.0, 3.0], [3.0, 1.0, 5.0]])

    def run(scope):
        @tf.function(autograph=False)
        def run():
            functions = [functools.partial(layer, training=True) for layer in layers]
            with scope():
                return [
                    shared_traces.call(layer, "key", inputs, function=function)
                    for layer, function in zip(layers, functions, strict=True)
                ]

        return run()

    found = run(SharedTraces().active)
    for one, other in zip(found, run(contextlib.nullcontext), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(found[1], inputs, rtol=1e-2)
