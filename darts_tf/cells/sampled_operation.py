"""One of several candidate operations, chosen by a tensor and computed alone."""

import functools
import itertools
import weakref

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError


class SampledOperation:
    """One of several candidate operations, as a function of all their weights.

        y = scale * operation_choice(x)

    `choice` is a tensor, so one graph serves all choices. Only the chosen operation runs: the
    gradients in the weights of the others are exactly zero, and their moving statistics are
    returned as they came. The function is traced once for each mode, and is called, not copied,
    wherever it is used; `shared` lets all edges of one shape use one.

    The gradient computes the chosen operation again instead of storing what is inside of it.

    Args:
        candidates: built layers with inputs of one shape and outputs of one shape. Their own
            weights are never read.

    Raises:
        UserError: a candidate has a random state, which nothing would move on.
    """

    def __init__(self, candidates):
        self.candidates = list(candidates)
        for layer in self.candidates:
            if len(layer.variables) != len(layer.weights):
                raise UserError(
                    f"the operation {layer.name!r} has a random state (dropout, say), which "
                    "methods that sample one operation an edge do not take; leave it out of the "
                    "space, or use another method"
                )
        self._weights = _slices([layer.trainable_weights for layer in self.candidates])
        self._statistics = _slices([layer.non_trainable_weights for layer in self.candidates])
        self._forward = self._traced(self._run_choice)
        self._backward = self._traced(self._differentiate_choice)

    def __call__(
        self, inputs, choice, scale, weights, statistics, training: bool, constant: bool = False
    ):
        """Runs the chosen operation.

        Args:
            inputs: `[batch, height, width, channels]`.
            choice: which candidate, a scalar int32.
            scale: a scalar; the gradient in it is <dL/dy, operation_choice(x)>.
            weights: those of all candidates, one after the other, as `trainable_weights` are.
            statistics: the same for `non_trainable_weights`.
            training: whether batch normalisation uses the batch.
            constant: whether gradients in the weights and new statistics are not wanted, as where
                only the architecture is differentiated.

        Returns:
            The output, and the new values of all statistics.
        """
        mode = training, constant

        @tf.custom_gradient
        def run(inputs, scale, *trained):
            arguments = inputs, choice, scale, list(trained or weights), statistics
            outputs, *updated = self._forward[mode](*arguments)

            def gradient(upstream, *_):
                return self._backward[mode](arguments, upstream)

            return (outputs, *updated), gradient

        outputs, *updated = run(inputs, scale, *([] if constant else weights))
        return outputs, statistics if constant else updated

    def trace_count(self) -> int:
        """How many graphs have been traced, of the function and of its gradient together."""
        functions = (*self._forward.values(), *self._backward.values())
        return sum(function.experimental_get_tracing_count() for function in functions)

    def _traced(self, function) -> dict:
        # Inlined into every edge, the branches would make the large graph that is avoided here.
        return {
            (training, constant): tf.function(
                functools.partial(function, training=training, constant=constant),
                autograph=False,
                experimental_attributes={"_noinline": True},
            )
            for training, constant in itertools.product((False, True), repeat=2)
        }

    def _run_choice(self, inputs, choice, scale, weights, statistics, training, constant):
        def branch(k):
            values, updated = weights[self._weights[k]], list(statistics)
            part = self._statistics[k]
            outputs, updated[part] = self._run(k, inputs, values, statistics[part], training)
            return [tf.cast(scale, outputs.dtype) * outputs, *([] if constant else updated)]

        return self._switch(choice, branch)

    def _differentiate_choice(self, arguments, upstream, training, constant):
        inputs, choice, scale, weights, statistics = arguments

        def branch(k):
            values, before = weights[self._weights[k]], statistics[self._statistics[k]]
            sources = [inputs, *([] if constant else values)]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                outputs, _ = self._run(k, inputs, values, before, training)
            slope = tf.reduce_sum(tf.cast(upstream * outputs, scale.dtype))
            of_inputs, *of_values = tape.gradient(
                outputs,
                sources,
                output_gradients=tf.cast(scale, upstream.dtype) * upstream,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            of_weights = []
            if not constant:
                of_weights = [tf.zeros_like(weight) for weight in weights]
                of_weights[self._weights[k]] = of_values
            return [of_inputs, slope, *of_weights]

        return self._switch(choice, branch)

    def _switch(self, choice, branch):
        branches = [functools.partial(branch, k) for k in range(len(self.candidates))]
        return tf.switch_case(choice, branches)

    def _run(self, k, inputs, weights, statistics, training):
        """A candidate with these weights and statistics: its output, its new statistics."""
        layer = self.candidates[k]
        given = [
            *zip(layer.trainable_weights, weights, strict=True),
            *zip(layer.non_trainable_weights, statistics, strict=True),
        ]
        with keras.StatelessScope(state_mapping=given) as scope:
            outputs = layer(inputs, training=training)
        values = [scope.get_current_value(v) for v in layer.non_trainable_weights]
        return outputs, [tf.convert_to_tensor(value) for value in values]


def _slices(lists) -> list[slice]:
    """Where each of several lists lies in their concatenation."""
    ends = list(itertools.accumulate(len(part) for part in lists))
    return [slice(end - len(part), end) for part, end in zip(lists, ends, strict=True)]


_SHARED: weakref.WeakValueDictionary[tuple, SampledOperation] = weakref.WeakValueDictionary()


def shared(candidates, input_shape) -> SampledOperation:
    """The `SampledOperation` of candidates of these kinds and this input shape.

    Layers are of one kind if their classes and arguments are the same. It lives as long as
    somebody uses it.

    Args:
        candidates: layers that are not built yet; they are built if they are needed.
        input_shape: of their inputs.
    """
    key = tuple(_kind(layer) for layer in candidates), tuple(input_shape)
    if (found := _SHARED.get(key)) is None:
        for layer in candidates:
            layer.build(input_shape)
        found = _SHARED[key] = SampledOperation(candidates)
    return found


def _kind(layer) -> tuple:
    return type(layer), layer.dtype_policy.name, repr(_without_names(layer.get_config()))


def _without_names(config):
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    return config
