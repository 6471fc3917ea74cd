"""The relaxed cell, computed a state at a time instead of an edge at a time."""

import keras
import numpy as np
import tensorflow as tf

from darts_tf.cells.batched_mixed_op import BatchedMixedOp
from darts_tf.cells.cell import MixedCell, _RelaxedCell
from darts_tf.runtime import shared_traces


@keras.saving.register_keras_serializable("darts_tf")
class BatchedMixedCell(_RelaxedCell):
    """The same function as `MixedCell`, with all edges that leave one state computed together.

    It has fewer and larger operations in its graph, so that it starts faster and a step takes
    less time. Its weights are those of `MixedCell`, concatenated over the edges that leave a
    state: depthwise kernels `[k, k, edges * channels, 1]`, 1x1 kernels
    `[1, 1, channels, edges * channels]`, moving statistics `[edges * channels]`, where edge e has
    the entries from `e * channels` on. Only the moving statistics behind a pooling, which are the
    same on all edges, are held once, `[channels]`. `from_plain` and `to_plain` copy them.

    A `MixedCell` and this one draw different initial weights from one seed, of the same
    distribution. Operations that can't be computed together are computed edge by edge; see
    `darts_tf.cells.batched_operations`.

    Args:
        space: the name of the search space.
        channels, reduction, reduction_before: see `Cell`.
        operation_channels: see `MixedCell`.

    Call arguments:
        inputs: the outputs of the cells before.
        weights: the operation weights `[edges, operations]`.

    Input shape: `[batch, height, width, channels]` of each input.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.
    """

    together = True
    graph_factor = 1.0

    @classmethod
    def suits(cls, space, cell_type, input_shape):
        """Of images, and where all edges have the same candidates."""
        of_images = len(input_shape) == 3
        return of_images and set(space.operations_on(cell_type)) == {space.operations}

    def __init__(
        self,
        space: str,
        channels,
        reduction=False,
        reduction_before=False,
        operation_channels=None,
        **kwargs,
    ):
        super().__init__(space, channels, reduction, reduction_before, **kwargs)
        self.operation_channels = operation_channels
        places = self._space.edges
        self._nodes = [place.node for place in places]
        # For every state: the indices of the edges that leave it.
        self._leaving = [
            [e for e, place in enumerate(places) if place.source == source]
            for source in range(len(self.preprocess) + self._space.nodes)
        ]
        self.operations = [
            BatchedMixedOp(
                self._space.operations,
                len(edges),
                operation_channels or channels,
                self._strides(source),
                self._space.normalized_pooling,
                dtype=self.dtype_policy,
            )
            for source, edges in enumerate(self._leaving)
            if edges
        ]

    def build(self, inputs_shape):
        before, inside = self._build_preprocess(inputs_shape)
        for source, _, operation in self._sources():
            operation.build(before if source < len(self.preprocess) else inside)
        self.built = True

    def _sources(self):
        """Every state that edges leave: its number, the edges, their operations."""
        layers = iter(self.operations)
        for source, edges in enumerate(self._leaving):
            if edges:
                yield source, edges, next(layers)

    def _by_source(self, weights) -> list:
        """The rows of the edges that leave each state."""
        edges = [e for leaving in self._leaving for e in leaving]
        ordered = tf.gather(tf.reshape(weights, [-1]), _flat(edges, weights.shape[1]))
        return tf.split(ordered, [len(leaving) for leaving in self._leaving])

    def call(self, inputs, weights):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        terms = [[] for _ in range(self._space.nodes)]
        selected = self._by_source(weights)
        for source, edges, operation in self._sources():
            while len(states) <= source:
                states.append(tf.add_n(terms[len(states) - len(self.preprocess)]))
            outputs = shared_traces.call(operation, operation.key, states[source], selected[source])
            for e, output in zip(edges, tf.split(outputs, len(edges), axis=-1), strict=True):
                terms[self._nodes[e]].append(output)
        states += [tf.add_n(term) for term in terms[len(states) - len(self.preprocess) :]]
        return self._output(states)

    def get_config(self):
        return {**super().get_config(), "operation_channels": self.operation_channels}

    def matching_weights(self, plain: MixedCell) -> list:
        """Pairs each weight with those of a `MixedCell`, in the order of the edges."""
        pairs = [
            (own, [other])
            for mine, its in zip(self.preprocess, plain.preprocess, strict=True)
            for own, other in zip(mine.weights, its.weights, strict=True)
        ]
        for _, edges, operation in self._sources():
            pairs += operation.matching_weights([plain.edges[e] for e in edges])
        return pairs


def _flat(rows, columns: int) -> np.ndarray:
    """The indices of all entries of these rows of a matrix: its gradient by them is dense."""
    return np.asarray(rows)[:, None] * columns + np.arange(columns)


def to_plain(batched: BatchedMixedCell, plain: MixedCell) -> None:
    """Copies all weights and moving statistics to a built `MixedCell` of the same arguments."""
    for own, others in batched.matching_weights(plain):
        axis = _longer_axis(own, others)
        value = keras.ops.convert_to_numpy(own)
        values = [value] * len(others) if axis is None else np.split(value, len(others), axis)
        for other, part in zip(others, values, strict=True):
            other.assign(part)


def from_plain(plain: MixedCell, batched: BatchedMixedCell) -> None:
    """Copies all weights and moving statistics from a built `MixedCell` of the same arguments.

    The moving statistics behind the poolings of a state are those of its first edge.
    """
    for own, others in batched.matching_weights(plain):
        axis = _longer_axis(own, others)
        values = [keras.ops.convert_to_numpy(other) for other in others]
        own.assign(values[0] if axis is None else np.concatenate(values, axis))


def _longer_axis(own, others) -> int | None:
    """The axis along which a weight holds those of the edges, None if they share it."""
    longer = [
        i
        for i, n, m in zip(range(len(own.shape)), own.shape, others[0].shape, strict=True)
        if n != m
    ]
    return longer[0] if longer else None
