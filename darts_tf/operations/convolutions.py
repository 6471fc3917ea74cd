"""Convolutions: separable, dilated and factorised, after ReLU and before batch normalisation."""

from functools import partial

import keras

from darts_tf.layers.convolutions import batch_normalization, convolution, depthwise, every_nth
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.operations.operation import Operation, register


class _KernelOperation(Operation):
    """An operation that also has a kernel size.

    Args:
        kernel_size: an odd number of pixels.
        channels, strides, affine: see `Operation`.
    """

    def __init__(self, channels, strides=1, affine=True, kernel_size=3, **kwargs):
        super().__init__(channels, strides, affine, **kwargs)
        self.kernel_size = kernel_size
        with inner_layers(self.dtype_policy):
            self.parts = self._make_parts()

    def _make_parts(self) -> list[keras.layers.Layer]:
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


@register("relu_conv_bn")
@register("nor_conv_1x1")
@keras.saving.register_keras_serializable("darts_tf")
class ReLUConvBN(_KernelOperation):
    """ReLU, k x k convolution, batch normalisation.

    With 1x1 it is how a DARTS cell preprocesses an input. The supernet of NAS-Bench-201 gives the
    convolution a bias, which the batch normalisation behind it takes away again; here it has none.
    """

    def __init__(self, channels, strides=1, affine=True, kernel_size=1, **kwargs):
        super().__init__(channels, strides, affine, kernel_size, **kwargs)

    def _make_parts(self):
        return [
            keras.layers.ReLU(),
            *convolution(self.channels, self.kernel_size, self.strides),
            batch_normalization(self.affine),
        ]


@keras.saving.register_keras_serializable("darts_tf")
class SeparableConvolution(_KernelOperation):
    """Twice: ReLU, depthwise k x k, 1x1, batch normalisation; only the first one strides."""

    def _make_parts(self):
        return [
            part
            for strides in (self.strides, 1)
            for part in (
                keras.layers.ReLU(),
                *depthwise(self.kernel_size, strides),
                *convolution(self.channels, 1),
                batch_normalization(self.affine),
            )
        ]


@keras.saving.register_keras_serializable("darts_tf")
class DilatedConvolution(_KernelOperation):
    """ReLU, depthwise k x k with a dilation of 2, 1x1, batch normalisation."""

    def _make_parts(self):
        return [
            keras.layers.ReLU(),
            *depthwise(self.kernel_size, self.strides, dilation=2),
            *convolution(self.channels, 1),
            batch_normalization(self.affine),
        ]


@keras.saving.register_keras_serializable("darts_tf")
class FactorizedConvolution(_KernelOperation):
    """ReLU, 1 x k, k x 1, batch normalisation: NASNet's and AmoebaNet's operation."""

    def _make_parts(self):
        k, strides = self.kernel_size, self.strides
        return [
            keras.layers.ReLU(),
            *convolution(self.channels, (1, k), (1, strides)),
            *convolution(self.channels, (k, 1), (strides, 1)),
            batch_normalization(self.affine),
        ]


register("nor_conv_3x3")(partial(ReLUConvBN, kernel_size=3))
for _size in (3, 5, 7):
    register(f"sep_conv_{_size}x{_size}")(partial(SeparableConvolution, kernel_size=_size))
for _size in (3, 5):
    register(f"dil_conv_{_size}x{_size}")(partial(DilatedConvolution, kernel_size=_size))
for _size in (3, 7):
    register(f"conv_{_size}x1_1x{_size}")(partial(FactorizedConvolution, kernel_size=_size))


@register("factorized_reduce")
@keras.saving.register_keras_serializable("darts_tf")
class FactorizedReduce(keras.layers.Layer):
    """Halves height and width without losing a pixel.

    ReLU; two 1x1 convolutions with strides of 2, the second on the image shifted by one pixel,
    each giving half of the channels; batch normalisation of their concatenation.

    Odd sizes, which the reference does not take, are padded by one zero at the end, so that the
    output has ceil(size / 2) rows and columns like every other operation's.

    Args:
        channels, strides, affine: see `Operation`; strides is always 2. Odd `channels` are
            split into floor and ceil.
    """

    def __init__(self, channels: int, strides: int = 2, affine: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.strides = strides
        self.affine = affine
        with inner_layers(self.dtype_policy):
            self.relu = keras.layers.ReLU()
            # The pixels that their strides would take are taken before them.
            (self.even,) = convolution(channels // 2, 1)
            (self.odd,) = convolution(channels - channels // 2, 1)
            self.normalization = batch_normalization(affine)

    def build(self, input_shape):
        self.even.build(input_shape)
        self.odd.build(input_shape)
        self.normalization.build(self.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs):
        inputs = self.relu(inputs)
        halves = [self.even(every_nth(inputs, 2)), self.odd(every_nth(inputs, 2, first=1))]
        return self.normalization(keras.ops.concatenate(halves, axis=-1))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return batch, -(-height // 2), -(-width // 2), self.channels

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "strides": self.strides,
            "affine": self.affine,
        }
