"""Cells: directed acyclic graphs of operations, relaxed (`MixedCell`) or discrete (`Cell`)."""

import keras
import tensorflow as tf

from darts_tf import operations, spaces
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.layers.drop_path import DropPath
from darts_tf.layers.mixed_op import MixedOp
from darts_tf.operations import FactorizedReduce, ReLUConvBN


class _BaseCell(keras.layers.Layer):
    """What both cells share: two preprocessed inputs, strides, nodes that sum, an output.

    Args:
        channels: channels of every state; the output has `channels * len(concat)`.
        reduction: whether the edges that leave the cell's inputs have strides of 2.
        reduction_before: whether the cell before was a reduction cell, so that the first input is
            twice as high and wide as the second.
    """

    affine: bool

    def __init__(self, channels: int, reduction=False, reduction_before=False, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.reduction = reduction
        self.reduction_before = reduction_before
        first = FactorizedReduce if reduction_before else ReLUConvBN
        self.preprocess = [
            first(channels, affine=self.affine),
            ReLUConvBN(channels, affine=self.affine),
        ]

    def _strides(self, source: int) -> int:
        return 2 if self.reduction and source < len(self.preprocess) else 1

    def _build_preprocess(self, input_shape):
        """Builds the preprocessing; returns the shape of the cell's inputs and of its nodes."""
        for layer, shape in zip(self.preprocess, input_shape, strict=True):
            layer.build(shape)
        before = self.preprocess[-1].compute_output_shape(input_shape[-1])
        batch, height, width, channels = before
        steps = self._strides(0)
        return before, (batch, -(-height // steps), -(-width // steps), channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "reduction": self.reduction,
            "reduction_before": self.reduction_before,
        }


class _RelaxedCell(_BaseCell):
    """What the plain and the batched relaxed cell share.

    Args:
        space: the name of the search space.
        channels, reduction, reduction_before: see `_BaseCell`.
    """

    affine = False

    def __init__(self, space: str, channels, reduction=False, reduction_before=False, **kwargs):
        super().__init__(channels, reduction, reduction_before, **kwargs)
        self.space = space

    # Keras wants these names: an argument of `call`, then `_shape`.
    def compute_output_shape(self, inputs_shape, weights_shape=None):
        before = self.preprocess[-1].compute_output_shape(inputs_shape[-1])
        nodes, steps = spaces.get(self.space).nodes, self._strides(0)
        return before[0], -(-before[1] // steps), -(-before[2] // steps), self.channels * nodes

    def get_config(self):
        return {"space": self.space, **super().get_config()}


@keras.saving.register_keras_serializable("darts_tf")
class MixedCell(_RelaxedCell):
    """The relaxed cell of a supernet: a `MixedOp` on every edge, all nodes concatenated.

    Args:
        space: the name of the search space.
        channels, reduction, reduction_before: see `Cell`.

    Input shape: a pair `[batch, height, width, channels]` of the outputs of the two cells
        before, and the operation weights `[edges, operations]`.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.
    """

    def __init__(self, space: str, channels, reduction=False, reduction_before=False, **kwargs):
        super().__init__(space, channels, reduction, reduction_before, **kwargs)
        self._places = spaces.get(space).edges
        self.edges = [
            MixedOp(spaces.get(space).operations, channels, self._strides(place.source))
            for place in self._places
        ]

    def build(self, input_shape):
        before, inside = self._build_preprocess(input_shape)
        for place, edge in zip(self._places, self.edges, strict=True):
            edge.build(before if place.source < len(self.preprocess) else inside)
        self.built = True

    def call(self, inputs, weights):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for node in range(spaces.get(self.space).nodes):
            terms = [
                edge(states[place.source], weights[e])
                for e, (place, edge) in enumerate(zip(self._places, self.edges, strict=True))
                if place.node == node
            ]
            states.append(tf.add_n(terms))
        return keras.ops.concatenate(states[len(self.preprocess) :], axis=-1)


@keras.saving.register_keras_serializable("darts_tf")
class Cell(_BaseCell):
    """The discrete cell that a genotype describes.

    Args:
        nodes: for every node its edges as (operation, source).
        concat: the states whose concatenation is the output.
        channels: channels of every state.
        reduction: whether the edges that leave the cell's inputs have strides of 2.
        reduction_before: whether the cell before was a reduction cell, so that the first input is
            twice as high and wide as the second.
        drop_path: whether `DropPath` layers stand behind the operations, except behind
            identities; their rate is 0 until it is set.

    Input shape: a pair `[batch, height, width, channels]` of the outputs of the two cells before.
    Output shape: `[batch, height', width', channels * len(concat)]`, halved in a reduction cell.
    """

    affine = True

    def __init__(
        self,
        nodes,
        concat,
        channels,
        reduction=False,
        reduction_before=False,
        drop_path=False,
        **kwargs,
    ):
        super().__init__(channels, reduction, reduction_before, **kwargs)
        self.genotype = CellGenotype(tuple(nodes), tuple(concat))
        self.drop_path = drop_path
        self.nodes = [[self._edge(edge) for edge in node] for node in self.genotype.nodes]

    def _edge(self, edge: Edge) -> list[keras.layers.Layer]:
        layer = operations.create(edge.operation, self.channels, self._strides(edge.source))
        drops = self.drop_path and not isinstance(layer, operations.Identity)
        return [layer, DropPath()] if drops else [layer]

    def build(self, input_shape):
        before, inside = self._build_preprocess(input_shape)
        for edges, layers in zip(self.genotype.nodes, self.nodes, strict=True):
            for edge, chain in zip(edges, layers, strict=True):
                shape = before if edge.source < len(self.preprocess) else inside
                for layer in chain:
                    layer.build(shape)
        self.built = True

    def call(self, inputs):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for edges, layers in zip(self.genotype.nodes, self.nodes, strict=True):
            terms = []
            for edge, chain in zip(edges, layers, strict=True):
                term = states[edge.source]
                for layer in chain:
                    term = layer(term)
                terms.append(term)
            states.append(tf.add_n(terms))
        return keras.ops.concatenate([states[i] for i in self.genotype.concat], axis=-1)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = self.preprocess[-1].compute_output_shape(input_shape[-1])
        steps = self._strides(0)
        channels = self.channels * len(self.genotype.concat)
        return batch, -(-height // steps), -(-width // steps), channels

    def get_config(self):
        return {
            "nodes": [[list(edge) for edge in node] for node in self.genotype.nodes],
            "concat": list(self.genotype.concat),
            **super().get_config(),
            "drop_path": self.drop_path,
        }
