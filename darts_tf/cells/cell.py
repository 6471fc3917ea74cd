"""Cells: directed acyclic graphs of operations, relaxed (`MixedCell`) or discrete (`Cell`)."""

import functools
import json

import keras
import tensorflow as tf

from darts_tf import operations, spaces
from darts_tf.cells.base import BaseCell
from darts_tf.cells.mixed_op import MixedOp
from darts_tf.cells.relaxed import RelaxedCell
from darts_tf.common import seeds
from darts_tf.common.controls import Control
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.layers.drop_path import DropPath
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.runtime import shared_traces
from darts_tf.spaces.space import DARTS_PREPROCESS


class _RelaxedCell(RelaxedCell, BaseCell):
    """The base of the plain and the batched relaxed cell.

    Args:
        space: the search space, or its name.
        channels, reduction, reduction_before: see `BaseCell`.
    """

    affine = False

    def __init__(
        self, space: str | spaces.Space, channels, reduction=False, reduction_before=False, **kwargs
    ):
        found = spaces.get(space)
        shared = {"inputs": found.inputs, "preprocess": found.preprocess}
        super().__init__(channels, reduction, reduction_before, **shared, **kwargs)
        self.space = spaces.serialize(space)
        self._space = found

    @property
    def cell_type(self):
        return self._space.cell_type_of(self.reduction)

    def _output(self, states):
        """The output of the cell, of all its states."""
        return keras.ops.concatenate([states[i] for i in self._space.concat], axis=-1)

    # Keras wants these names, in `build` too: an argument of `call`, then `_shape`.
    def compute_output_shape(
        self, inputs_shape, weights_shape=None, skip_dropout_shape=None, auxiliary_skip_shape=None
    ):
        *rest, channels = self._shapes(inputs_shape)[1]
        return (*rest, channels * len(self._space.concat))

    def get_config(self):
        return {"space": self.space, **super().get_config()}


@keras.saving.register_keras_serializable("darts_tf")
class MixedCell(_RelaxedCell):
    """The relaxed cell of a supernet: a `MixedOp` on every edge, all nodes concatenated.

    Args:
        space: the search space, or its name.
        channels, reduction, reduction_before: see `Cell`.
        operation_channels: channels of the operations. Default: all of the state.
        auxiliary_skip: whether every edge also has a skip connection beside its candidates, as in
            DARTS- (Chu et al., ICLR 2021).

    Call arguments:
        inputs: the outputs of the cells before.
        weights: the operation weights `[edges, operations]`.
        skip_dropout: (rate, seed) of the dropout behind the skip connections that are identities;
            None for none.
        auxiliary_skip: the factor of the auxiliary skip connections, a scalar, which a cell that
            was made with them needs.

    Input shape: `[batch, height, width, channels]` of each input.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.
    """

    controls = (
        Control("skip_dropout", low=0.0, high=1.0, draws=True),
        Control("auxiliary_skip", low=0.0, high=1.0, argument="auxiliary_skip"),
    )
    # Measured for first-order steps of `darts-minus`, which has an auxiliary skip connection.
    graph_factor = 1.63

    def __init__(
        self,
        space: str | spaces.Space,
        channels,
        reduction=False,
        reduction_before=False,
        operation_channels=None,
        auxiliary_skip=False,
        **kwargs,
    ):
        super().__init__(space, channels, reduction, reduction_before, **kwargs)
        self.auxiliary_skip = auxiliary_skip
        self.operation_channels = operation_channels
        # The other operations of the space have no weights on an edge and are not computed.
        self.edge_operations = self._space.operations_on(self.cell_type)
        self.edges = [
            MixedOp(
                names,
                operation_channels or channels,
                self._strides(place.source),
                self._space.normalized_pooling,
                auxiliary_skip,
                dtype=self.dtype_policy,
            )
            for place, names in zip(self._space.edges, self.edge_operations, strict=True)
        ]

    def build(self, inputs_shape):
        before, inside = self._build_preprocess(inputs_shape)
        for place, edge in zip(self._space.edges, self.edges, strict=True):
            edge.build(before if place.source < len(self.preprocess) else inside)
        self.built = True

    def call(self, inputs, weights, skip_dropout=None, auxiliary_skip=None):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for node in range(self._space.nodes):
            terms = [
                self.edges[e](
                    states[self._space.edges[e].source],
                    self._weights(weights, e),
                    _of_part(skip_dropout, e),
                    auxiliary_skip,
                )
                for e in self._space.edges_into(node)
            ]
            states.append(tf.add_n(terms))
        return self._output(states)

    def _weights(self, weights, e):
        """The weights of the candidates of an edge, of `[edges, operations]`."""
        names = self._space.operations
        if self.edge_operations[e] == names:
            return weights[e]
        return tf.gather(weights[e], [names.index(name) for name in self.edge_operations[e]])

    def get_config(self):
        return {
            **super().get_config(),
            "operation_channels": self.operation_channels,
            "auxiliary_skip": self.auxiliary_skip,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        # Earlier versions wrote the name of the space, and the candidates beside it.
        if "edge_operations" in config:
            names = tuple(map(tuple, config.pop("edge_operations")))
            space = spaces.get(config["space"])
            known = {t: space.operations_on(t) for t in space.cell_types}
            own = space.cell_type_of(config["reduction"])
            if names != known[own]:
                config["space"] = space.restrict(known | {own: names})
        return super().from_config(config)


def _of_part(skip_dropout, number: int):
    """The (rate, seed) of a part of what a (rate, seed) is for."""
    if skip_dropout is None:
        return None
    rate, seed = skip_dropout
    return rate, seeds.of_part(seed, number)


def _add_pairs(terms):
    """Their sum in pairs, which LiteRT has in integers too."""
    return functools.reduce(tf.add, terms)


def _added(edges, chains) -> list[tuple]:
    """The edges of a node, and their layers, whose sum it is: zeros add nothing to others.

    Where there are none but zeros, one of them gives the shape.
    """
    pairs = list(zip(edges, chains, strict=True))
    return [(e, c) for e, c in pairs if not isinstance(c[0], operations.Zero)] or pairs[:1]


def _call(edge, layer, inputs):
    del edge
    return layer(inputs)


@keras.saving.register_keras_serializable("darts_tf")
class Cell(BaseCell):
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
        inputs: number of inputs.
        preprocess: what the inputs go through, see `darts_tf.spaces.Space`.

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
        inputs=2,
        preprocess=DARTS_PREPROCESS,
        **kwargs,
    ):
        super().__init__(channels, reduction, reduction_before, inputs, preprocess, **kwargs)
        self.inputs = inputs
        self.preprocess_names = preprocess
        self.genotype = CellGenotype(tuple(nodes), tuple(concat))
        self.drop_path = drop_path
        with inner_layers(self.dtype_policy):
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

    def call(self, inputs, training=False):
        if not training:
            return self._compute(*inputs)
        key = json.dumps({**self.get_config(), "name": None}, sort_keys=True, default=str)
        return shared_traces.call(self, key, *inputs, function=self._compute_training)

    def _compute_training(self, *inputs):
        # At once, which has the faster gradient than in pairs.
        return self._compute(*inputs, added=tf.add_n, call=self._call_shared)

    def _call_shared(self, edge, layer, inputs):
        """An operation of a training step; those of a kind and shape share their traces."""
        key = edge.operation, self.channels, self._strides(edge.source), self.dtype_policy.name
        return shared_traces.call(layer, key, inputs)

    def _compute(self, *inputs, added=_add_pairs, call=_call):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for edges, layers in zip(self.genotype.nodes, self.nodes, strict=True):
            terms = []
            for edge, (layer, *drops) in _added(edges, layers):
                term = call(edge, layer, states[edge.source])
                for drop in drops:
                    term = drop(term)
                terms.append(term)
            # A node without edges is no part of the cell: nothing takes it.
            states.append(added(terms) if terms else None)
        return keras.ops.concatenate([states[i] for i in self.genotype.concat], axis=-1)

    def compute_output_shape(self, input_shape):
        *rest, channels = self._shapes(input_shape)[1]
        return (*rest, channels * len(self.genotype.concat))

    def get_config(self):
        return {
            "nodes": [[list(edge) for edge in node] for node in self.genotype.nodes],
            "concat": list(self.genotype.concat),
            **super().get_config(),
            "drop_path": self.drop_path,
            "inputs": self.inputs,
            "preprocess": self.preprocess_names and list(self.preprocess_names),
        }
