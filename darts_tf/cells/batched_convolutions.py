"""Convolutions and batch normalisation of several edges at once.

Channel `e * channels + c` of an input or output is channel `c` of edge `e`.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.layers.convolutions import initializer
from darts_tf.layers.depthwise import depthwise_conv2d
from darts_tf.layers.keras_settings import inner_layers


class BatchedDepthwise(keras.layers.Layer):
    """The depthwise convolutions of several edges, without bias.

    Its kernel `[k, k, edges * channels, 1]` is those of the edges, concatenated.

    Args:
        kernel_size: an odd number of pixels.
        strides: 1, or 2 with symmetric padding.
        dilation: 1 or 2.
    """

    def __init__(self, kernel_size: int, strides: int = 1, dilation: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation = dilation

    def build(self, input_shape):
        bound = 1 / self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], 1),
            initializer=keras.initializers.RandomUniform(-bound, bound),
        )
        self.built = True

    def call(self, inputs):
        return self.convolve(inputs, tf.convert_to_tensor(self.kernel))

    def convolve(self, inputs, kernel):
        """The convolution by that kernel."""
        padding = "SAME"
        if self.strides > 1:
            pad = self.kernel_size // 2
            inputs = tf.pad(inputs, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
            padding = "VALID"
        if self.dilation == 1:
            return depthwise_conv2d(inputs, kernel, self.strides, padding)
        # Not the raw operation with dilations, whose gradient is wrong on a CPU.
        dilations = [self.dilation, self.dilation]
        return tf.nn.depthwise_conv2d(inputs, kernel, [1, 1, 1, 1], padding, dilations=dilations)


class BatchedPointwise(keras.layers.Layer):
    """The 1x1 convolutions of several edges, each of its own channels, without bias.

    Its kernel `[1, 1, channels, edges * channels]` is those of the edges, concatenated.

    Args:
        edges: number of edges.
    """

    def __init__(self, edges: int, **kwargs):
        super().__init__(**kwargs)
        self.edges = edges

    def build(self, input_shape):
        # The initializer sees the fan in of one edge, as it should.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, input_shape[-1] // self.edges, input_shape[-1]),
            initializer=initializer(),
        )
        self.built = True

    def call(self, inputs):
        kernel = self.as_convolution(tf.convert_to_tensor(self.kernel))
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")

    def as_convolution(self, kernel):
        """The kernel of one convolution that TensorFlow can differentiate here."""
        if self.edges == 1 or grouped_gradients_work(kernel.dtype.name):
            return kernel
        channels = kernel.shape[2]
        mask = np.kron(np.eye(self.edges), np.ones((channels, channels)))
        return tf.tile(kernel, [1, 1, self.edges, 1]) * tf.constant(mask, kernel.dtype)


@functools.cache
def grouped_gradients_work(dtype: str) -> bool:
    """Whether TensorFlow can differentiate a grouped convolution here.

    A CPU needs oneDNN for that and has it for 16 and 32 bits only.
    """
    # `init_scope` pauses all tapes, so the gradient's kernel is called by its name.
    with tf.init_scope():
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=[1, 1, 1, 4],
                filter=tf.ones([1, 1, 2, 4], dtype),
                out_backprop=tf.ones([1, 1, 1, 4], dtype),
                strides=[1, 1, 1, 1],
                padding="SAME",
            )
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True


class BatchedNormalization(BatchNormalization):
    """The batch normalisations of several edges, without learned scale and offset.

    The operation weights are the scale of the fused kernel, which costs no more than without.
    """

    def __init__(self, **kwargs):
        super().__init__(center=False, scale=False, **kwargs)

    def call(self, inputs, scale=None, training=None):
        """Normalises `[.., edges * channels]`, times the scale `[edges * channels]` if given."""
        if scale is None:
            return super().call(inputs, training=training)
        if not training or not self.trainable or not self._can_fuse(inputs):
            return super().call(inputs, training=training) * tf.cast(scale, inputs.dtype)
        return self._fused(inputs, scale)

    def again(self, inputs):
        """What a call in training mode has returned, without a scale; no statistics move."""
        if self._can_fuse(inputs):
            return self._fused(inputs, moves=False)
        return self._plain(inputs, moves=False)


class BatchedConvolution(keras.layers.Layer):
    """Depthwise k x k, 1x1, batch normalisation, for several edges; the ReLU is the caller's.

    The convolutions of one input are computed together before a call, which normalises them: see
    `darts_tf.cells.recomputed_convolutions`.

    Args:
        edges: number of edges.
        kernel_size, strides, dilation: of the depthwise convolution.

    Call arguments:
        inputs: what its convolutions have made of all edges.
        scale: of the normalisation, `[edges * channels]`; None for 1.

    Input and output shape: `[batch, height, width, edges * channels]`.
    """

    def __init__(self, edges: int, kernel_size: int, strides: int = 1, dilation=1, **kwargs):
        super().__init__(**kwargs)
        with inner_layers(self.dtype_policy):
            self.depthwise = BatchedDepthwise(kernel_size, strides, dilation)
            self.pointwise = BatchedPointwise(edges)
            self.normalization = BatchedNormalization()

    def build(self, input_shape):
        for layer in (self.depthwise, self.pointwise, self.normalization):
            layer.build(input_shape)
        self.built = True

    def call(self, inputs, scale=None):
        return self.normalization(inputs, scale)
