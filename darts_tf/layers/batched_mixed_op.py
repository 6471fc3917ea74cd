"""The mixed operations on all edges that leave one state, computed together."""

import itertools

import keras
import tensorflow as tf

from darts_tf import operations
from darts_tf.layers import shared_traces
from darts_tf.layers.batched_operations import PerEdge, group_of
from darts_tf.layers.shapes import dimension, for_every_channel


class BatchedMixedOp(keras.layers.Layer):
    """What one `MixedOp` on each of several edges computes, if all edges leave the same state.

    Args:
        operations: names of the candidate operations.
        edges: number of edges.
        channels: channels of the state.
        strides: 1 or 2.
        normalized_pooling: see `MixedOp`.

    Input shape: the state `[batch, height, width, channels]`, the operation weights
        `[edges, len(operations)]`.
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
        self._key = (tuple(operations), strides, normalized_pooling, self.dtype_policy.name)
        self.groups = []
        self._members = []
        self._operations = len(operations)
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
        self._size = input_shape[1:3]
        self.built = True

    def shared(self, inputs, weights):
        """`self(inputs, weights)`, by a trace that other layers may share."""
        # What layers do depends on whether height and width, and half of them, are even.
        any_size = (
            all(size and size % 2 == 0 for size in self._size)
            and self.compute_dtype in ("float32", "bfloat16", "float16")
            and not any(isinstance(group, PerEdge) for group in self.groups)
        )
        sizes = [size % 4 for size in self._size] if any_size else [self.edges, self.channels]
        key = type(self), *self._key, *sizes
        return shared_traces.call(self, key, inputs, weights, any_size=any_size)

    def call(self, inputs, weights):
        if not self.groups:
            strided = inputs[:, :: self.strides, :: self.strides, :]
            return tf.zeros_like(tf.tile(strided, [1, 1, 1, dimension(weights, 0)]))
        rectified = tf.nn.relu(inputs)
        count = self._operations
        scales = for_every_channel(weights, dimension(inputs, 3), count)
        scales = tf.unstack(scales, num=count, axis=1)
        edges = dimension(weights, 0)
        return tf.add_n(
            [
                group(inputs, rectified, [scales[k] for k in members], edges=edges)
                for group, members in zip(self.groups, self._members, strict=True)
            ]
        )

    def compute_output_shape(self, input_shape, weights_shape=None):
        batch, *size, channels = input_shape
        return (batch, *(-(-n // self.strides) for n in size), self.edges * channels)

    def matching_weights(self, edges) -> list[tuple[keras.Variable, list[keras.Variable]]]:
        """Pairs each weight with those of the plain `MixedOp`s of the edges."""
        return list(
            itertools.chain.from_iterable(
                group.matching_weights([[edge.candidates[k] for k in members] for edge in edges])
                for group, members in zip(self.groups, self._members, strict=True)
            )
        )
