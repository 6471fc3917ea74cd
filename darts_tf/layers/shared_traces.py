"""Layers that compute the same function of their variables, traced once between them.

Most of the time before the first step goes into tracing. The states of all cells see the same
operations, whatever their channels, sizes and numbers of edges, so one `tf.function` that takes a
layer's variables as arguments serves them all, and so does its gradient. The function is inlined
into the step: kept as a function, its kernels would run for several states at the same time, and
some of oneDNN's (batch normalisation's) hold sizes of the call that runs.
"""

import contextlib
import threading

import keras
import tensorflow as tf

from darts_tf.layers.batch_normalization import without_statistics

_local = threading.local()


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

    @property
    def count(self) -> int:
        """Number of functions so far."""
        return len(self._functions)

    @contextlib.contextmanager
    def active(self, constant_weights: bool = False):
        """Layers that are called by `call` in this scope share their traces.

        Args:
            constant_weights: whether nothing is differentiated in the layers' variables here, and
                what moves in them (statistics) is not wanted.
        """
        before = getattr(_local, "active", None)
        _local.active = self, constant_weights
        try:
            yield
        finally:
            _local.active = before

    def call(self, layer, key, args, any_size: bool, constant_weights: bool):
        """`layer(*args)` by the trace of the first layer of that key."""
        variables = [layer.trainable_variables, layer.non_trainable_variables]
        if any_size and constant_weights:
            variables[1] = []
        values = [[tf.convert_to_tensor(v) for v in part] for part in variables]
        if any_size:
            signature = tf.nest.map_structure(_of_variable, values)
            signature += [_knowing(x, 0) for x in args]
        else:
            signature = tf.nest.map_structure(_knowing, [*values, *args])
            key = key, *(tuple(x.shape) for x in args)
        key = key, constant_weights
        if key not in self._functions:
            self._functions[key] = tf.function(
                _stateless(layer, constant_weights, joined=any_size),
                input_signature=signature,
                autograph=False,
            )
        function = self._functions[key]
        if self._recompute:
            function = _recomputing(function)
        outputs, moved = function(*values, *args)
        if any_size:
            outputs.set_shape(layer.compute_output_shape(*(x.shape for x in args)))
        if any_size and moved:
            moved = tf.split(moved[0], [variable.shape[0] for variable in variables[1]])
        for variable, value in zip(variables[1], moved, strict=not constant_weights):
            variable.assign(value)
        return outputs


def call(layer: keras.layers.Layer, key, *args, any_size: bool = False):
    """`layer(*args)`, sharing its trace with all layers of that key where `SharedTraces` do.

    Args:
        layer: a built layer whose `call` takes tensors and gives one.
        key: hashable; layers with equal keys must compute the same function of their variables and
            arguments, where arguments have equal shapes.
        *args: tensors.
        any_size: whether this holds for arguments and variables of all shapes. The trace then
            knows no size but the height and width of kernels, and what moves must be vectors of
            one type.
    """
    traces, constant_weights = getattr(_local, "active", None) or (None, False)
    if traces is None:
        return layer(*args)
    return traces.call(layer, key, args, any_size, constant_weights)


def _knowing(tensor, known: int | None = None) -> tf.TensorSpec:
    """What a trace knows of a tensor: of its shape the first `known` dimensions, or all."""
    shape = list(tensor.shape)
    if known is not None:
        shape[known:] = [None] * len(shape[known:])
    return tf.TensorSpec(shape, tensor.dtype)


def _of_variable(tensor) -> tf.TensorSpec:
    return _knowing(tensor, 2 if len(tensor.shape) == 4 else 0)


def _stateless(layer, constant_weights, joined):
    def run(trainable, non_trainable, *args):
        if constant_weights:
            trainable = [tf.stop_gradient(x) for x in trainable]
        others = layer.non_trainable_variables if non_trainable else []
        given = [
            *zip(layer.trainable_variables, trainable, strict=True),
            *zip(others, non_trainable, strict=True),
        ]
        with keras.StatelessScope() as scope:
            for pair in given:
                # Not as `state_mapping`, which wants to know the shapes.
                scope.add_update(pair)
            with without_statistics(constant_weights):
                outputs = layer(*args)
        moved = [] if constant_weights else layer.non_trainable_variables
        moved = [tf.convert_to_tensor(scope.get_current_value(v)) for v in moved]
        # One output has one gradient, of zeros, that the graph must hold.
        return outputs, [tf.concat(moved, 0)] if joined and moved else moved

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
