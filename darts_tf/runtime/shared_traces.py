"""Layers of one kind and shape, traced once between them.

Most of the time before the first step goes into tracing. The states of all cells of one size see
the same operations, and a derived network repeats its cells, so one `tf.function` that takes a
layer's variables as arguments serves them all, and so does its gradient.
"""

import contextlib
import contextvars
from collections.abc import Callable

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
        self.recompute = recompute

    @contextlib.contextmanager
    def active(self):
        """Layers that are called by `call` in this scope share their traces."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def call(self, layer: keras.layers.Layer, key, *args, function=None):
        """`layer(*args)` by the trace of the first layer of that key; see `call` below."""
        constant = weights_are_constant()
        shapes = tuple(tuple(variable.shape) for variable in layer.variables)
        # A layer that is frozen, or that holds a frozen one, computes something else.
        frozen = tuple(not part.trainable for part in layer._flatten_layers())
        key = key, constant, shapes, frozen
        if key not in self._functions:
            run = _stateless(layer, constant, function or layer)
            self._functions[key] = tf.function(run, autograph=False)
        variables = layer.trainable_variables, layer.non_trainable_variables
        values = [[tf.convert_to_tensor(v) for v in part] for part in variables]
        traced = self._functions[key]
        if self.recompute:
            traced = _recomputing(traced)
        outputs, moved, losses = traced(*values, *args)
        for variable, value in _parted(moved, variables[1]):
            variable.assign(value)
        if losses:
            layer.add_loss(losses)
        return outputs


def sharing() -> Callable:
    """Scopes of one model's training passes in which its layers share their traces.

    There is nothing to share under a strategy of several replicas.
    """
    one = tf.distribute.get_strategy().num_replicas_in_sync == 1
    return SharedTraces().active if one else contextlib.nullcontext


def recomputing() -> bool:
    """Whether layers that share their traces now are run again for their gradients."""
    traces = _active.get()
    return traces is not None and traces.recompute


def call(layer: keras.layers.Layer, key, *args, function=None):
    """`layer(*args)`, sharing its trace with all layers of that key where `SharedTraces` do.

    Args:
        layer: a built layer.
        key: hashable; layers with equal keys, and variables and arguments of equal shapes, must
            compute the same function of their variables.
        *args: tensors.
        function: what to call in place of the layer, such as a part of its own `call`; of equal
            keys it must do the same.
    """
    traces = _active.get()
    if traces is None:
        return (function or layer)(*args)
    return traces.call(layer, key, *args, function=function)


def _joined(values) -> list:
    """One vector in place of all vectors of a type, in that of the first; () is left of the others.

    A function's every output has a gradient, if only of zeros, that the graph must hold.

    Args:
        values: tensors, or None.
    """
    joined = list(values)
    for positions in _vectors(values):
        joined[positions[0]] = tf.concat([values[i] for i in positions], 0)
        for i in positions[1:]:
            joined[i] = ()
    return joined


def _parted(joined, variables) -> list:
    """Pairs of a variable and its value, from what `_joined` made of the values of all."""
    there = [None if x is None else v for x, v in zip(joined, variables, strict=True)]
    values = list(joined)
    for positions in _vectors(there):
        parts = tf.split(joined[positions[0]], [variables[i].shape[0] for i in positions])
        for i, part in zip(positions, parts, strict=True):
            values[i] = part
    return [(v, x) for v, x in zip(variables, values, strict=True) if x is not None]


def _vectors(values) -> list[list[int]]:
    """The positions of the vectors of each type where there are several."""
    found = {}
    for i, value in enumerate(values):
        if value is not None and len(value.shape) == 1:
            found.setdefault(tf.as_dtype(value.dtype), []).append(i)
    return [positions for positions in found.values() if len(positions) > 1]


def _stateless(layer, constant: bool, function):
    def run(trainable, non_trainable, *args):
        if constant:
            trainable = [tf.stop_gradient(x) for x in trainable]
        variables = layer.non_trainable_variables
        given = [
            *zip(layer.trainable_variables, trainable, strict=True),
            *zip(variables, non_trainable, strict=True),
        ]
        # A trace does not depend on who calls it: a gradient may run it again.
        scope = keras.StatelessScope(state_mapping=given, collect_losses=True)
        before = [scope.get_current_value(v) for v in variables]
        with constant_weights(constant), scope:
            outputs = function(*args)
        after = [scope.get_current_value(v) for v in variables]
        moved = [
            None if constant or x is y else tf.convert_to_tensor(x)
            for x, y in zip(after, before, strict=True)
        ]
        # Or the gradient of what joins them would be traced too, to spread zeros.
        moved = [None if x is None else tf.stop_gradient(x) for x in moved]
        return outputs, _joined(moved), scope.losses

    return run


def _recomputing(function):
    """The same function of floating-point tensors, with a gradient that calls it again."""

    def run(trainable, non_trainable, *args):
        structure = trainable, *args
        found = {}

        def evaluate(inputs):
            trainable, *args = tf.nest.pack_sequence_as(structure, inputs)
            outputs, moved, losses = function(trainable, non_trainable, *args)
            found["moved"] = moved
            return outputs, *losses

        @tf.custom_gradient
        def compute(*inputs):
            differentiable = evaluate(inputs)
            moved = [x for x in tf.nest.flatten(found["moved"]) if x is not None]

            def gradient(*upstream):
                upstream = upstream[: len(differentiable)]
                # The second call waits for the gradient in the outputs, or TensorFlow would find
                # that it is the first one and keep everything after all.
                with tf.control_dependencies(upstream):
                    again = [tf.identity(x) for x in inputs]
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(again)
                    outputs = evaluate(again)
                return tape.gradient(
                    outputs, again, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )

            found["losses"] = len(differentiable) - 1
            return (*differentiable, *moved), gradient

        outputs, *others = compute(*tf.nest.flatten(structure))
        losses, others = others[: found["losses"]], iter(others[found["losses"] :])
        moved = [x if x is None or isinstance(x, tuple) else next(others) for x in found["moved"]]
        return outputs, moved, losses

    return run
