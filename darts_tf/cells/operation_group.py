"""The base of groups: operations of one kind, computed for all edges that leave one state."""

from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf import operations
from darts_tf.cells.mixed_op import candidate

#: Class of an operation -> the group that computes it.
GROUPS: dict[type, type["OperationGroup"]] = {}


def batches(*kinds: type) -> Callable:
    """Decorator: makes an `OperationGroup` the one that computes operations of these classes.

    Only of exactly these: a subclass may compute something else.
    """

    def decorate(group):
        GROUPS.update(dict.fromkeys(kinds, group))
        return group

    return decorate


def scales(weights, channels: int) -> list[tf.Tensor]:
    """The operation weights as factors of channels, of few graph nodes.

    Args:
        weights: `[edges, operations]`.
        channels: of an edge.

    Returns:
        For each operation `[edges * channels]`.
    """
    edges, count = weights.shape
    wide = tf.reshape(tf.transpose(weights), [count, edges, 1]) * tf.ones([channels], weights.dtype)
    return tf.unstack(tf.reshape(wide, [count, edges * channels]))


class OperationGroup(keras.layers.Layer):
    """Base: operations of one kind, of which every edge has its own weights.

    Subclasses make `self.batched`, one layer for each operation. Its weights are, in the same
    order, those of the plain operations of all edges, concatenated along the one axis in which
    they are longer; equal shapes mean that all edges share the weight.

    Args:
        names: names of the operations.
        edges: number of edges.
        channels: channels of the state.
        strides: 1 or 2.
        normalized_pooling: see `MixedOp`.

    Call arguments:
        inputs: the state.
        rectified: the same after ReLU.
        scales: for each operation its weights as `scales` gives them, `[edges * channels]`.

    Input shape: `[batch, height, width, channels]`.
    Output shape: of each of several tensors, which are to be added up,
        `[batch, height', width', edges * channels]`.
    """

    def __init__(
        self, names, edges: int, channels: int, strides: int, normalized_pooling=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.edges = edges
        self.channels = channels
        self.strides = strides
        self.normalized_pooling = normalized_pooling
        self.batched = [self._make_batched(name) for name in names]

    def _make_plain(self, name) -> keras.layers.Layer:
        return candidate(name, self.channels, self.strides, self.normalized_pooling)

    def _kernel_size(self, name):
        return operations.specimen(name, self.channels, self.strides).kernel_size

    def _make_batched(self, name: str) -> keras.layers.Layer:
        """The layer that computes an operation for all edges."""
        raise NotImplementedError

    def _tiled(self, inputs, again=False):
        """`[.., channels]` once for every edge: `[.., edges * channels]`."""
        return _tile(inputs, self.edges)

    def _terms(self, inputs, scales) -> list:
        """The scaled operations on the same inputs."""
        return [layer(inputs, scale) for layer, scale in zip(self.batched, scales, strict=True)]

    def build(self, input_shape):
        for layer in self.batched:
            layer.build((*input_shape[:-1], self.edges * self.channels))
        self.built = True

    def matching_weights(self, plain) -> list[tuple[keras.Variable, list[keras.Variable]]]:
        """Pairs each weight with those of the plain operations, `plain[edge][operation]`."""
        return [
            pair
            for k, layer in enumerate(self.batched)
            for pair in match(layer, [edge[k] for edge in plain])
        ]


def _tile(inputs, edges: int):
    """The channels once for every edge; `tf.tile`, with a gradient of few graph nodes."""
    *sizes, channels = inputs.shape[1:]

    @tf.custom_gradient
    def tile(inputs):
        def gradient(upstream):
            return tf.reduce_sum(tf.reshape(upstream, [-1, *sizes, edges, channels]), -2)

        return tf.tile(inputs, [*(1 for _ in inputs.shape[:-1]), edges]), gradient

    return tile(inputs)


def match(layer, plain) -> list[tuple[keras.Variable, list[keras.Variable]]]:
    """Pairs the weights of a layer with those of plain layers, which have as many each."""
    return [
        (own, list(others))
        for own, *others in zip(layer.weights, *(p.weights for p in plain), strict=True)
    ]
