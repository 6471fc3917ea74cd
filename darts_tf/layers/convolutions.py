"""Convolutions with the reference's padding and initial weights.

TensorFlow's "same" pads a stride of 2 on an even size after the image only, PyTorch's layers on
both sides; the published cells were found with the latter, and so are these layers.
"""

import math

import keras
import tensorflow as tf

from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.layers.depthwise import DepthwiseConv2D


def batch_normalization(affine: bool) -> BatchNormalization:
    """Batch normalisation with or without scale and offset."""
    return BatchNormalization(center=affine, scale=affine)


def initializer() -> keras.initializers.Initializer:
    """Uniform within 1 / sqrt(fan in), as the reference's layers start.

    Behind batch normalisation the scale of a weight does not change the output, but it does
    change how far a step of the optimizer turns it.
    """
    return keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")


def convolution(channels: int, kernel_size, strides=1) -> list[keras.layers.Layer]:
    """A convolution without bias, padded symmetrically."""
    stepping = max(strides) if isinstance(strides, tuple) else strides
    pads = stepping > 1 and kernel_size != 1
    padding = "valid" if pads else "same"
    layer = keras.layers.Conv2D(
        channels,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format="channels_last",
        use_bias=False,
        kernel_initializer=initializer(),
    )
    return symmetric(layer, kernel_size) if pads else [layer]


def depthwise(kernel_size: int, strides: int = 1, dilation: int = 1) -> list[keras.layers.Layer]:
    """A depthwise convolution without bias, padded symmetrically.

    With a dilation of 2 and strides of 2 every tap falls on an even pixel, so the layer is the
    plain convolution of every second pixel.
    """
    if strides > 1 and dilation > 1:
        if strides != dilation:
            raise ValueError(f"strides {strides} with dilation {dilation}; expected equal numbers")
        return [EverySecondPixel(strides), *depthwise(kernel_size)]
    padding = "valid" if strides > 1 else "same"
    layer = DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding=padding,
        data_format="channels_last",
        dilation_rate=dilation,
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomUniform(-1 / kernel_size, 1 / kernel_size),
    )
    return symmetric(layer, kernel_size) if strides > 1 else [layer]


def every_nth(inputs, n: int, first: int = 0):
    """Every n-th row and column, or position of a sequence.

    It is `inputs[:, first::n, first::n, :]`, with a zero where that would be shorter than
    ceil(size / n). Written with reshapes and slices that do not step, because the gradient of one
    that does takes ten times as long.

    Args:
        inputs: `[batch, ..sizes, channels]`; all but the first are known.
        n: the step, at least 1.
        first: the first one to take, less than n.
    """
    for axis in range(1, len(inputs.shape) - 1) if n > 1 else ():
        size, after = inputs.shape[axis], inputs.shape[axis + 1 :]
        if size % n:
            missing = [(0, -size % n if i == axis else 0) for i in range(len(inputs.shape))]
            inputs = tf.pad(inputs, missing)
        row = math.prod(after)
        rows = tf.reshape(inputs, [-1, n * row])
        taken = tf.slice(rows, [0, first * row], [-1, row])
        inputs = tf.reshape(taken, [-1, *inputs.shape[1:axis], -(-size // n), *after])
    return inputs


@keras.saving.register_keras_serializable("darts_tf")
class EverySecondPixel(keras.layers.Layer):
    """Takes every n-th row and column, or position of a sequence, the first included.

    Args:
        strides: n.
    """

    def __init__(self, strides: int, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        return every_nth(inputs, self.strides)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        return batch, *(-(-n // self.strides) for n in size), channels

    def get_config(self):
        return {**super().get_config(), "strides": self.strides}


def symmetric(layer: keras.layers.Layer, kernel_size) -> list[keras.layers.Layer]:
    """A layer with padding "valid" behind the symmetric padding of its kernel.

    Args:
        layer: a convolution with padding "valid".
        kernel_size: an odd number, or one for height and one for width.
    """
    height, width = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    pads = keras.layers.ZeroPadding2D((height // 2, width // 2), data_format="channels_last")
    return [pads, layer]
