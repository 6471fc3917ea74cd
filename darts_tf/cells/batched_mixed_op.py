"""The mixed operations on all edges that leave one state, computed together."""

import itertools

import keras
import tensorflow as tf

from darts_tf import operations
from darts_tf.cells.batched_operations import group_of
from darts_tf.cells.operation_group import scales
from darts_tf.layers.keras_settings import inner_layers


class BatchedMixedOp(keras.layers.Layer):
    """The function of one `MixedOp` on each of several edges, if all edges leave the same state.

    Args:
        operations: names of the candidate operations.
        edges: number of edges.
        channels: channels of the state.
        strides: 1 or 2.
        normalized_pooling: see `MixedOp`.

    Call arguments:
        inputs: the state that all edges leave.
        weights: the operation weights `[edges, len(operations)]`.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, ceil(height / strides), ceil(width / strides), edges * channels]`;
        the channels of an edge are neighbours.
    """

    def __init__(
        self,
        operations,
        edges: int,
        channels: int,
        strides: int = 1,
        normalized_pooling=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.edges = edges
        self.channels = channels
        self.strides = strides
        #: Equal for layers that compute the same function of their variables.
        self.key = (
            type(self),
            tuple(operations),
            edges,
            channels,
            strides,
            normalized_pooling,
            self.dtype_policy.name,
        )
        self.groups = []
        self._members = []
        with inner_layers(self.dtype_policy):
            for kind, members in self._by_group(operations):
                names = [operations[k] for k in members]
                self.groups.append(kind(names, edges, channels, strides, normalized_pooling))
                self._members.append(members)

    def _by_group(self, names):
        """Pairs of a kind of group and the indices of its operations; `none` is in no group."""
        layers = [operations.specimen(name, self.channels, self.strides) for name in names]
        kinds = {k: group_of(x) for k, x in enumerate(layers) if not isinstance(x, operations.Zero)}
        for kind in dict.fromkeys(kinds.values()):
            yield kind, [k for k in kinds if kinds[k] is kind]

    def build(self, input_shape):
        for group in self.groups:
            group.build(input_shape)
        self.built = True

    def call(self, inputs, weights):
        if not self.groups:
            return tf.zeros_like(
                tf.tile(inputs[:, :: self.strides, :: self.strides, :], [1, 1, 1, self.edges])
            )
        rectified = tf.nn.relu(inputs)
        factors = scales(weights, self.channels)
        terms = [
            group(inputs, rectified, [factors[k] for k in members])
            for group, members in zip(self.groups, self._members, strict=True)
        ]
        return tf.add_n(list(itertools.chain.from_iterable(terms)))

    def matching_weights(self, edges) -> list[tuple[keras.Variable, list[keras.Variable]]]:
        """Pairs each weight with those of the plain `MixedOp`s of the edges."""
        return list(
            itertools.chain.from_iterable(
                group.matching_weights([[edge.candidates[k] for k in members] for edge in edges])
                for group, members in zip(self.groups, self._members, strict=True)
            )
        )
