"""Layers of one kind and shape, traced once between them.

Most of the time before the first step goes into tracing. The states of all cells of one size see
the same operations, so one `tf.function` that takes a layer's variables as arguments serves them
all, and so does its gradient.
"""

import contextlib
import contextvars

import keras
import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights, weights_are_constant

_active = contextvars.ContextVar("active", default=None)


class SharedTraces:
    """The functions that layers share while `active`; one object for one model and mode.

    Only for forward passes in one mode (training or inference), because a trace is of that mode,
    and on one replica, because replicas must not communicate inside a nested function.

    Args:
        recompute: whether gradients run a layer again instead of keeping what is inside it
            (Chen, Xu, Zhang, Guestrin, 2016, "Training Deep Nets with Sublinear Memory Cost"):
            less memory for one more forward pass.
    """

    def __init__(self, recompute: bool = False):
        self._functions = {}
        self._recompute = recompute

    @contextlib.contextmanager
    def active(self):
        """Layers that are called by `call` in this scope share their traces."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def call(self, layer: keras.layers.Layer, key, *args):
        """`layer(*args)` by the trace of the first layer of that key."""
        constant = weights_are_constant()
        key = key, constant
        if key not in self._functions:
            self._functions[key] = tf.function(_stateless(layer, constant), autograph=False)
        variables = layer.trainable_variables, layer.non_trainable_variables
        values = [[tf.convert_to_tensor(v) for v in part] for part in variables]
        function = self._functions[key]
        if self._recompute:
            function = _recomputing(function)
        outputs, moved = function(*values, *args)
        if not constant:
            for variable, value in zip(variables[1], _parted(moved, variables[1]), strict=True):
                variable.assign(value)
        return outputs


def call(layer: keras.layers.Layer, key, *args):
    """`layer(*args)`, sharing its trace with all layers of that key where `SharedTraces` do.

    Args:
        layer: a built layer.
        key: hashable; layers with equal keys and arguments of equal shapes must compute the same
            function of their variables.
        *args: tensors.
    """
    traces = _active.get()
    return layer(*args) if traces is None else traces.call(layer, key, *args)


def _joined(values) -> list:
    """Vectors of one type as one vector.

    A function's every output has a gradient, if only of zeros, that the graph must hold.
    """
    return [tf.concat(values, 0)] if _joins(values) else values


def _parted(values, variables) -> list:
    """The vectors that `_joined` made one of."""
    if not _joins(variables):
        return values
    return tf.split(values[0], [variable.shape[0] for variable in variables])


def _joins(vectors) -> bool:
    return len({x.dtype for x in vectors}) == 1 and all(len(x.shape) == 1 for x in vectors)


def _stateless(layer, constant: bool):
    def run(trainable, non_trainable, *args):
        if constant:
            trainable = [tf.stop_gradient(x) for x in trainable]
        given = [
            *zip(layer.trainable_variables, trainable, strict=True),
            *zip(layer.non_trainable_variables, non_trainable, strict=True),
        ]
        # A trace does not depend on who calls it: a gradient may run it again.
        with constant_weights(constant), keras.StatelessScope(state_mapping=given) as scope:
            outputs = layer(*args)
        moved = [] if constant else layer.non_trainable_variables
        moved = [tf.convert_to_tensor(scope.get_current_value(v)) for v in moved]
        # Or the gradient of what joins them would be traced too, to spread zeros.
        return outputs, [tf.stop_gradient(x) for x in _joined(moved)]

    return run


def _recomputing(function):
    """The same function of floating-point tensors, with a gradient that calls it again."""

    def run(trainable, non_trainable, *args):
        structure = trainable, *args

        def evaluate(inputs):
            trainable, *args = tf.nest.pack_sequence_as(structure, inputs)
            return function(trainable, non_trainable, *args)

        @tf.custom_gradient
        def compute(*inputs):
            def gradient(upstream, *_):
                # The second call waits for the gradient in the outputs, or TensorFlow would find
                # that it is the first one and keep everything after all.
                with tf.control_dependencies([upstream]):
                    again = [tf.identity(x) for x in inputs]
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(again)
                    outputs, _ = evaluate(again)
                return tape.gradient(
                    outputs, again, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )

            outputs, moved = evaluate(inputs)
            return (outputs, *moved), gradient

        outputs, *moved = compute(*tf.nest.flatten(structure))
        return outputs, moved

    return run
