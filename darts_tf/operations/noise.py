"""Noise: the harmful operation of the space S4."""

import keras

from darts_tf.layers.convolutions import EverySecondPixel
from darts_tf.operations.operation import register
from darts_tf.runtime import distribution


@register("noise")
@keras.saving.register_keras_serializable("darts_tf")
class Noise(EverySecondPixel):
    """N(0, 1) of the shape that the operation's output has; the input has no influence.

    Zela et al., RobustDARTS, ICLR 2020, section 4, space S4. It is noise at inference too, so a
    network that holds it has no fixed answer.

    Args:
        channels, affine: have no meaning here and are kept for the registry.
        strides: see `Operation`.
        seed: of the draws.
    """

    def __init__(self, channels, strides=1, affine=True, seed: int | None = None, **kwargs):
        super().__init__(strides, **kwargs)
        self.channels = channels
        self.affine = affine
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        return distribution.own_examples(
            lambda shape: keras.random.normal(shape, dtype=inputs.dtype, seed=self.seed_generator),
            keras.ops.shape(super().call(inputs)),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "affine": self.affine,
            "seed": self.seed,
        }
