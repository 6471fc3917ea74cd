"""The operations without a transformation: none and the skip connection."""

import keras

from darts_tf.layers.convolutions import EverySecondPixel
from darts_tf.operations.convolutions import FactorizedReduce
from darts_tf.operations.operation import Operation, register


@register("none")
@keras.saving.register_keras_serializable("darts_tf")
class Zero(EverySecondPixel):
    """Zeros: no connection.

    Args:
        channels, affine: have no meaning here and are kept for the registry.
        strides: see `Operation`.
    """

    def __init__(self, channels: int, strides: int = 1, affine: bool = True, **kwargs):
        super().__init__(strides, **kwargs)
        self.channels = channels
        self.affine = affine

    def call(self, inputs):
        return keras.ops.zeros_like(super().call(inputs))

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "affine": self.affine}


@keras.saving.register_keras_serializable("darts_tf")
class Identity(Operation):
    """The input itself."""


@register("skip_connect")
def skip_connect(channels: int, strides: int = 1, affine: bool = True) -> keras.layers.Layer:
    """The identity, or `FactorizedReduce` where the edge strides."""
    kind = Identity if strides == 1 else FactorizedReduce
    return kind(channels, strides=strides, affine=affine)
