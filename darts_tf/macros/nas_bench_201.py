"""The macro network of NAS-Bench-201 (Dong, Yang, ICLR 2020, section 2.1)."""

import keras

from darts_tf.layers.chain import Chain
from darts_tf.layers.convolutions import batch_normalization, convolution
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.layers.stems import Classifier, Stem
from darts_tf.macros.macro import Staged
from darts_tf.macros.stems import IMAGE_STEMS
from darts_tf.operations import ReLUConvBN


@keras.saving.register_keras_serializable("darts_tf")
class ResidualReduction(keras.layers.Layer):
    """A residual block that halves height and width.

    Twice ReLU, 3x3 convolution, batch normalisation, the first with strides of 2; the shortcut is
    2x2 average pooling and a 1x1 convolution. Odd sizes, which the benchmark does not have, become
    ceil(size / 2).

    Args:
        channels: channels of the output.
    """

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        with inner_layers(self.dtype_policy):
            self.first = ReLUConvBN(channels, strides=2, kernel_size=3)
            self.second = ReLUConvBN(channels, kernel_size=3)
            self.pool = keras.layers.AveragePooling2D(
                2, padding="same", data_format="channels_last"
            )
            (self.shortcut,) = convolution(channels, 1)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(self.first.compute_output_shape(input_shape))
        self.shortcut.build(self.pool.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs):
        return self.second(self.first(inputs)) + self.shortcut(self.pool(inputs))

    def compute_output_shape(self, input_shape):
        return self.first.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("darts_tf")
class NormalizedClassifier(Chain):
    """Batch normalisation, ReLU, mean over all pixels, dense layer.

    Args:
        num_classes: number of logits.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        with inner_layers(self.dtype_policy):
            self.parts = [
                batch_normalization(affine=True),
                keras.layers.ReLU(),
                Classifier(num_classes),
            ]

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


NAS_BENCH_201 = Staged(
    "nas_bench_201",
    stem=Stem,
    reduction=ResidualReduction,
    head=NormalizedClassifier,
    channels=16,
    cells=15,
    stems=IMAGE_STEMS,
)
