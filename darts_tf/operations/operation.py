"""The base of all candidate operations, and their registry."""

from collections.abc import Callable

import keras

from darts_tf.layers.chain import Chain
from darts_tf.lookup import lookup

_REGISTRY: dict[str, Callable[..., keras.layers.Layer]] = {}


class Operation(Chain):
    """Base of the candidate operations.

    Args:
        channels: channels of the output. The operations of a cell get inputs of as many channels.
        strides: 1, or 2 on the edges that leave an input of a reduction cell.
        affine: whether batch normalisation learns scale and offset: False in a supernet, where
            they would rescale the operation weights, True in a derived network.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, ceil(height / strides), ceil(width / strides), channels]`.
    """

    def __init__(self, channels: int, strides: int = 1, affine: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.strides = strides
        self.affine = affine
        self.parts = []

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "strides": self.strides,
            "affine": self.affine,
        }


def register(name: str):
    """Decorator: makes `name` an operation that spaces and genotypes can use.

    What is decorated is called as `operation(channels, strides=..., affine=...)` and returns a
    Keras layer.
    """

    def decorate(operation):
        _REGISTRY[name] = operation
        return operation

    return decorate


def create(name: str, channels: int, strides: int = 1, affine: bool = True) -> keras.layers.Layer:
    """A new layer of the operation of that name.

    Raises:
        UserError: no operation has that name.
    """
    return lookup("operation", _REGISTRY, name)(channels, strides=strides, affine=affine)


def names() -> tuple[str, ...]:
    """The names of all registered operations."""
    return tuple(_REGISTRY)
