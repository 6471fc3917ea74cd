"""The base of all candidate operations, and their registry."""

import functools
import inspect
import random
from collections.abc import Callable

import keras

from darts_tf.common.registry import Registry
from darts_tf.layers.chain import Chain

_REGISTRY: Registry[Callable[..., keras.layers.Layer]] = Registry("operation", {})


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


def register(name: str, *, replace: bool = False):
    """Decorator: makes `name` an operation that spaces and genotypes can use.

    What is decorated is called as `operation(channels, strides=...)` and returns a Keras layer. If
    it also takes `affine`, it is told whether its batch normalisation may learn scale and offset;
    see `Operation`.

    Args:
        name: of the operation.
        replace: whether it may take the place of another operation of that name. Every cell that
            names it, a published one too, is another network from then on.

    Raises:
        UserError: (when decorating) another operation has that name; the same definition may come
            again.

    Example:
        >>> @register("conv_7x7")
        ... def conv_7x7(channels, strides):
        ...     return keras.layers.Conv2D(channels, 7, strides=strides, padding="same")
    """

    def decorate(operation):
        parameters = inspect.signature(operation).parameters.values()
        takes = any(p.name == "affine" or p.kind is p.VAR_KEYWORD for p in parameters)
        part = operation if takes else _without_affine(operation)
        _REGISTRY.register(name, part, replace)
        return operation

    return decorate


def _without_affine(operation):
    return lambda channels, strides, affine: operation(channels, strides=strides)


def create(name: str, channels: int, strides: int = 1, affine: bool = True) -> keras.layers.Layer:
    """A new layer of the operation of that name.

    Raises:
        UserError: no operation has that name.
    """
    return _REGISTRY.named(name)(channels, strides=strides, affine=affine)


def specimen(name: str, channels: int, strides: int = 1) -> keras.layers.Layer:
    """A layer as `create` makes it, to be looked at only: equal arguments give the same layer.

    Raises:
        UserError: no operation has that name.
    """
    return _specimen(_REGISTRY.named(name), channels, strides)


@functools.cache
def _specimen(operation, channels, strides):
    # Initializers take their seeds from this generator, and what later layers draw must not
    # depend on whether this one was in the cache.
    state = random.getstate()
    try:
        return operation(channels, strides=strides, affine=False)
    finally:
        random.setstate(state)


def names() -> tuple[str, ...]:
    """The names of all registered operations."""
    return tuple(_REGISTRY)
