"""Pairs of convolutions whose gradients compute what is between them again.

Of what a step of the weights keeps for its gradient, 39 % are outputs of depthwise convolutions and
the state once for every edge, and 11 % the normalised inputs of second convolutions. All are large
and cheap: a few passes over memory, where the 1x1 convolutions, whose outputs are kept, are most of
a step.
"""

import tensorflow as tf

from darts_tf.common.constant_weights import weights_are_constant
from darts_tf.runtime import shared_traces

#: In the names of operations whose results no gradient keeps.
COMPUTED_AGAIN = "computed_again"

_PLAIN = {"strides": [1, 1, 1, 1], "padding": "SAME"}


def convolve(layers, inputs, before, training, linear: bool) -> list[tf.Tensor]:
    """Depthwise and then 1x1 convolutions of the same inputs.

    Args:
        layers: `BatchedConvolution`s.
        inputs: `[batch, height, width, channels]`.
        before: a function of the inputs and of whether it is called `again`, for the gradient; it
            makes the input of the depthwise convolutions of them, by tensors of its own graph.
        training: whether this is a pass in training mode.
        linear: whether the gradient of `before` in the inputs reads nothing.

    Returns:
        For each layer `[batch, height', width', edges * channels]`, not normalised.
    """
    kernels = [
        [tf.cast(tf.convert_to_tensor(part.kernel), inputs.dtype) for part in parts]
        for parts in zip(*((x.depthwise, x.pointwise) for x in layers), strict=True)
    ]
    # Of the 1x1 convolutions as TensorFlow can differentiate them.
    kernels[1] = [x.pointwise.as_convolution(k) for x, k in zip(layers, kernels[1], strict=True)]

    def prepare(inputs, kernels, again=False):
        inputs = before(inputs, again)
        return [x.depthwise.convolve(inputs, k) for x, k in zip(layers, kernels, strict=True)]

    if _keeps(training, linear):
        prepared = prepare(inputs, kernels[0])
        return [_pointwise(x, k) for x, k in zip(prepared, kernels[1], strict=True)]
    return _computed_again(prepare, inputs, *kernels)


def _keeps(training, linear) -> bool:
    """Whether to keep everything.

    Without gradients in the weights only what is not linear is kept anyway, `recompute` keeps less
    than this, and replicas would exchange the sums of batch normalisation once more.
    """
    replica = tf.distribute.get_replica_context()
    several = replica is None or replica.num_replicas_in_sync > 1
    nothing = weights_are_constant() and linear
    return not training or nothing or shared_traces.recomputing() or several


def _computed_again(prepare, inputs, depthwise, pointwise):
    count, constant = len(depthwise), weights_are_constant()

    @tf.custom_gradient
    def compute(inputs, *kernels):
        def gradient(*upstream):
            # The second call waits for the gradient, or TensorFlow would find that it is the first
            # one, and keep everything after all.
            with tf.control_dependencies(upstream):
                again = [tf.identity(x) for x in (inputs, *kernels[:count])]
            sources = again[:1] if constant else again
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(sources)
                prepared = prepare(again[0], again[1:], again=True)
            # Written out, or the 1x1 convolutions would be traced again too.
            triples = [*zip(prepared, kernels[count:], upstream, strict=True)]
            found = tape.gradient(prepared, sources, [_in_inputs(*x) for x in triples])
            if constant:
                return *found, *(None for _ in kernels)
            return *found, *(_in_kernel(*x) for x in triples)

        with tf.name_scope(COMPUTED_AGAIN):
            prepared = prepare(inputs, kernels[:count])
        outputs = [_pointwise(x, k) for x, k in zip(prepared, kernels[count:], strict=True)]
        return outputs, gradient

    return compute(inputs, *depthwise, *pointwise)


def _pointwise(inputs, kernel):
    return tf.nn.conv2d(inputs, kernel, 1, "SAME")


def _in_inputs(inputs, kernel, upstream):
    """The gradient of `_pointwise` in its inputs."""
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(inputs), filter=kernel, out_backprop=upstream, **_PLAIN
    )


def _in_kernel(inputs, kernel, upstream):
    """The gradient of `_pointwise` in its kernel."""
    return tf.raw_ops.Conv2DBackpropFilter(
        input=inputs, filter_sizes=kernel.shape, out_backprop=upstream, **_PLAIN
    )
