"""The layers around the cells: stems and the auxiliary head."""

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.layers.chain import Chain
from darts_tf.layers.convolutions import batch_normalization, convolution, initializer
from darts_tf.layers.keras_settings import inner_layers


@keras.saving.register_keras_serializable("darts_tf")
class Stem(Chain):
    """The CIFAR stem: 3x3 convolution and batch normalisation with scale and offset.

    Args:
        channels: channels of the output (the reference: three times the first cell's).
    """

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        with inner_layers(self.dtype_policy):
            self.parts = [*convolution(channels, 3), batch_normalization(affine=True)]

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("darts_tf")
class ImageNetStem(Chain):
    """Half of the ImageNet stem: convolutions with strides of 2.

    Args:
        channels: channels of the output.
        first: True for the first half, which sees the image (two convolutions, size / 4), False
            for the second (ReLU and one convolution, size / 2).
    """

    def __init__(self, channels: int, first: bool, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.first = first
        with inner_layers(self.dtype_policy):
            tail = [
                keras.layers.ReLU(),
                *convolution(channels, 3, strides=2),
                batch_normalization(affine=True),
            ]
            head = [*convolution(channels // 2, 3, strides=2), batch_normalization(affine=True)]
        self.parts = head + tail if first else tail

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "first": self.first}


@keras.saving.register_keras_serializable("darts_tf")
class ImageNetStems(keras.layers.Layer):
    """The ImageNet stem (Liu, Simonyan, Yang, ICLR 2019, section 3.3) for the first two inputs.

    Args:
        channels: channels of the outputs.

    Input shape: `[batch, height, width, channels]`.
    Output shape: two images of `channels` channels: of a quarter of the height and the width, and
        of an eighth.
    """

    #: It gives both inputs of the first cell.
    pair = True

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        with inner_layers(self.dtype_policy):
            self.first = ImageNetStem(channels, first=True)
            self.second = ImageNetStem(channels, first=False)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(self.first.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs):
        first = self.first(inputs)
        return first, self.second(first)

    def compute_output_shape(self, input_shape):
        first = self.first.compute_output_shape(input_shape)
        return first, self.second.compute_output_shape(first)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("darts_tf")
class SpaceToDepth(keras.layers.Layer):
    """Moves blocks of pixels into channels; an image is filled up with 0 at its lower right.

    Args:
        block: height and width of a block.

    Output shape: `[batch, ceil(height / block), ceil(width / block), channels * block**2]`.
    """

    def __init__(self, block: int, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        missing = [-size % self.block for size in inputs.shape[1:3]]
        if any(missing):
            inputs = tf.pad(inputs, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])
        return tf.nn.space_to_depth(inputs, self.block)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height, width = -(-height // self.block), -(-width // self.block)
        return batch, height, width, channels * self.block**2

    def get_config(self):
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable("darts_tf")
class SpaceToDepthStem(Chain):
    """Blocks of 4x4 pixels become channels; then the CIFAR stem on a quarter of the size.

    One convolution sees all pixels, at a sixteenth of the positions (the stem of TResNet, Ridnik et
    al., WACV 2021, section 2.1).

    Args:
        channels: channels of the output.
    """

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        with inner_layers(self.dtype_policy):
            self.parts = [
                SpaceToDepth(4),
                *convolution(channels, 3),
                batch_normalization(affine=True),
            ]

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("darts_tf")
class AuxiliaryHead(Chain):
    """A second classifier on the features of an inner cell, for training only.

    ReLU, average pooling to 2x2 (5x5 windows on the 8x8 features of CIFAR, as in the reference),
    1x1 convolution to 128, 2x2 convolution to 768, a dense layer; batch normalisation and ReLU
    between them.

    Args:
        num_classes: number of logits.

    Input shape: `[batch, height, width, channels]`, at least 2x2.
    Output shape: `[batch, num_classes]`, float32 logits.

    Raises:
        UserError: (when built) the features are smaller than 2x2.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.parts = []

    def build(self, input_shape):
        if min(input_shape[1:3]) < 2:
            raise UserError(
                f"the auxiliary head needs features of at least 2x2, got {input_shape[1:3]}; "
                "switch it off, or use larger images"
            )
        windows = [min(size - 1, max(5, -(-size // 2))) for size in input_shape[1:3]]
        steps = [size - window for size, window in zip(input_shape[1:3], windows, strict=True)]
        with inner_layers(self.dtype_policy):
            self.parts = self._make_parts(windows, steps)
        super().build(input_shape)

    def _make_parts(self, windows, steps) -> list[keras.layers.Layer]:
        last = {"data_format": "channels_last"}
        return [
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(windows, strides=steps, **last),
            *convolution(128, 1),
            batch_normalization(affine=True),
            keras.layers.ReLU(),
            keras.layers.Conv2D(768, 2, use_bias=False, kernel_initializer=initializer(), **last),
            batch_normalization(affine=True),
            keras.layers.ReLU(),
            keras.layers.Flatten(**last),
            keras.layers.Dense(self.num_classes, dtype="float32", kernel_initializer=initializer()),
        ]

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("darts_tf")
class Classifier(Chain):
    """The mean over all positions, then a dense layer.

    Args:
        num_classes: number of logits.

    Input shape: `[batch, ..., channels]`: images, sequences, volumes.
    Output shape: `[batch, num_classes]`, logits in the type of the variables.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.parts = [
            GlobalMean(dtype=self.dtype_policy),
            # Logits are not rounded to 16 bits under a mixed policy.
            keras.layers.Dense(
                num_classes, kernel_initializer=initializer(), dtype=self.variable_dtype
            ),
        ]

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("darts_tf")
class GlobalMean(keras.layers.Layer):
    """The mean over all positions: `[batch, ..., channels]` to `[batch, channels]`."""

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        return keras.ops.mean(inputs, axis=tuple(range(1, len(inputs.shape) - 1)))

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[-1]
