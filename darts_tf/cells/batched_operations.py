"""Candidate operations, each computed for all edges that leave one state.

Operations of one kind form a group, a layer that weighs their outputs. `batches` says which kind of
operation a group is for; `PerEdge` takes those that no group knows.
"""

import keras
import numpy as np
import tensorflow as tf

from darts_tf import operations
from darts_tf.cells.batched_convolutions import BatchedConvolution, BatchedNormalization
from darts_tf.cells.operation_group import GROUPS, OperationGroup, batches, match
from darts_tf.cells.recomputed_convolutions import convolve
from darts_tf.layers.convolutions import convolution, every_nth
from darts_tf.operations.convolutions import DilatedConvolution, SeparableConvolution
from darts_tf.operations.pooling import AvgPool3x3, MaxPool3x3


def group_of(operation: keras.layers.Layer) -> type[OperationGroup]:
    """The group that computes an operation for several edges."""
    return GROUPS.get(type(operation), PerEdge)


@batches(SeparableConvolution)
class SeparableConvolutions(OperationGroup):
    """Separable convolutions of any kernel sizes."""

    def _make_batched(self, name):
        return _Separable(self.edges, self._kernel_size(name), self.strides)

    def call(self, inputs, rectified, scales, training=None):
        firsts = [layer.first for layer in self.batched]
        convolved = convolve(firsts, rectified, self._tiled, training, linear=True)
        return [layer(*both) for layer, *both in zip(self.batched, convolved, scales, strict=True)]


class _Separable(keras.layers.Layer):
    """Two `BatchedConvolution`s with a ReLU between them, from the first normalisation on."""

    def __init__(self, edges, kernel_size, strides, **kwargs):
        super().__init__(**kwargs)
        self.first = BatchedConvolution(edges, kernel_size, strides)
        self.second = BatchedConvolution(edges, kernel_size)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(input_shape)
        self.built = True

    def call(self, inputs, scale, training=None):
        # A frozen normalisation is by its moving statistics, which a gradient has not at hand.
        training = training and self.first.normalization.trainable
        (outputs,) = convolve([self.second], inputs, self._between, training, linear=False)
        return self.second(outputs, scale)

    def _between(self, inputs, again=False):
        normalize = self.first.normalization
        return tf.nn.relu(normalize.again(inputs) if again else normalize(inputs))


class _SharedInput(OperationGroup):
    """Convolutions that mix all channels: each sees the state itself, once for all edges."""

    def build(self, input_shape):
        for layer in self.batched:
            layer.build(input_shape)
        self.built = True

    def call(self, inputs, rectified, scales):
        return self._terms(rectified, scales)


@batches(operations.ReLUConvBN)
class StandardConvolutions(_SharedInput):
    """Convolutions that mix all channels, of any kernel sizes: NAS-Bench-201's."""

    def _make_batched(self, name):
        return _Standard(self.edges * self.channels, self._kernel_size(name), self.strides)


class _Standard(keras.layers.Layer):
    """`ReLUConvBN` of several edges, without its ReLU: all see the same input."""

    def __init__(self, channels, kernel_size, strides, **kwargs):
        super().__init__(**kwargs)
        self.convolution = convolution(channels, kernel_size, strides)
        self.normalization = BatchedNormalization()

    def build(self, input_shape):
        for layer in self.convolution:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        self.normalization.build(input_shape)
        self.built = True

    def call(self, inputs, scale):
        for layer in self.convolution:
            inputs = layer(inputs)
        return self.normalization(inputs, scale)


@batches(DilatedConvolution)
class DilatedConvolutions(OperationGroup):
    """Dilated convolutions of any kernel sizes.

    Every tap of such a convolution falls on pixels of one parity. Where height and width are
    even, the four phases of the state are four images to which a plain convolution is applied;
    neither a 1x1 convolution nor batch normalisation cares about the order of the pixels, so the
    image is put together again only after the sum of all operations.
    """

    def _make_batched(self, name):
        return BatchedConvolution(self.edges, self._kernel_size(name))

    def build(self, input_shape):
        sizes = input_shape[1:3]
        self._split = self.strides == 1 and all(size and size % 2 == 0 for size in sizes)
        if self.strides == 1 and not self._split:
            for layer in self.batched:
                layer.depthwise.dilation = 2
        super().build(input_shape)

    def call(self, inputs, rectified, scales, training=None):
        if self.strides == 2:
            # With a dilation of 2 every tap falls on an even pixel.
            rectified = every_nth(rectified, 2)
        if self._split:
            rectified = tf.space_to_batch(rectified, [2, 2], [[0, 0], [0, 0]])
        convolved = convolve(self.batched, rectified, self._tiled, training, linear=True)
        terms = zip(self.batched, convolved, scales, strict=True)
        outputs = tf.add_n([layer(*both) for layer, *both in terms])
        return [tf.batch_to_space(outputs, [2, 2], [[0, 0], [0, 0]]) if self._split else outputs]


@batches(operations.FactorizedReduce)
class FactorizedReductions(_SharedInput):
    """Factorised reductions: the skip connections that stride."""

    def _make_batched(self, name):
        return _Reduction(self.edges, self.channels)


class _Reduction(keras.layers.Layer):
    """`FactorizedReduce` of several edges, without its ReLU."""

    def __init__(self, edges, channels, **kwargs):
        super().__init__(**kwargs)
        self.edges = edges
        self.channels = channels
        halves = channels // 2, channels - channels // 2
        # All edges see the same channels, so this is one convolution without groups.
        self.convolutions = [convolution(edges * half, 1)[0] for half in halves]
        self.normalization = BatchedNormalization()

    def build(self, input_shape):
        for layer in self.convolutions:
            layer.build(input_shape)
        self.normalization.build((*input_shape[:-1], self.edges * self.channels))
        self.built = True

    def call(self, inputs, scale):
        height, width = inputs.shape[1:3]
        even, odd = (f(every_nth(inputs, 2, i)) for i, f in enumerate(self.convolutions))
        shape = (-(-height // 2), -(-width // 2))
        halves = [
            tf.reshape(x, [-1, *shape, self.edges, x.shape[-1] // self.edges]) for x in (even, odd)
        ]
        outputs = tf.reshape(tf.concat(halves, -1), [-1, *shape, self.edges * self.channels])
        return self.normalization(outputs, scale)


@batches(MaxPool3x3, AvgPool3x3, operations.Identity)
class SharedOperations(OperationGroup):
    """Poolings and the identity: without weights, so computed once for all edges.

    One product with the operation weights gives their sum on every edge.
    """

    def _make_batched(self, name):
        return self._make_plain(name)

    def build(self, input_shape):
        for layer in self.batched:
            layer.build(input_shape)
        self.built = True

    def call(self, inputs, rectified, scales):
        outputs = tf.concat([layer(inputs) for layer in self.batched], -1)
        # kernel[k * channels + c, e * channels + d] = weights[e, k] if c == d else 0
        eye = tf.constant(np.tile(np.eye(self.channels), self.edges), outputs.dtype)
        factors = tf.cast(tf.stack(scales), outputs.dtype)
        kernel = tf.reshape(factors, [len(scales), 1, self.edges * self.channels]) * eye
        shape = [1, 1, len(scales) * self.channels, self.edges * self.channels]
        return [tf.nn.conv2d(outputs, tf.reshape(kernel, shape), 1, "SAME")]


class PerEdge(OperationGroup):
    """Operations that no group computes for several edges at once: a layer for every edge."""

    def __init__(self, names, edges, channels, strides, normalized_pooling=True, **kwargs):
        super().__init__((), edges, channels, strides, normalized_pooling, **kwargs)
        self.plain = [[self._make_plain(name) for name in names] for _ in range(edges)]

    def build(self, input_shape):
        for layers in self.plain:
            for layer in layers:
                layer.build(input_shape)
        self.built = True

    def call(self, inputs, rectified, scales):
        outputs = [
            tf.concat([layer(inputs) for layer in layers], -1)
            for layers in zip(*self.plain, strict=True)
        ]
        pairs = zip(outputs, scales, strict=True)
        return [tf.cast(scale, x.dtype) * x for x, scale in pairs]

    def matching_weights(self, plain):
        return [
            pair
            for own_layers, plain_layers in zip(self.plain, plain, strict=True)
            for own, other in zip(own_layers, plain_layers, strict=True)
            for pair in match(own, [other])
        ]
