"""Cells: directed acyclic graphs of operations, relaxed (`MixedCell`) or discrete (`Cell`)."""

import keras
import tensorflow as tf

from darts_tf import operations, spaces
from darts_tf.cells.mixed_op import MixedOp
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.layers.drop_path import DropPath
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.spaces.space import DARTS_PREPROCESS


class _BaseCell(keras.layers.Layer):
    """What both cells share: preprocessed inputs, strides, nodes that sum, an output.

    Args:
        channels: channels of every state; the output has `channels * len(concat)`.
        reduction: whether the edges that leave the cell's inputs have strides of 2.
        reduction_before: whether the cell before was a reduction cell, so that the first of two
            inputs is twice as large as the second.
        inputs: number of inputs.
        preprocess: see `darts_tf.spaces.Space`.
    """

    affine: bool

    def __init__(
        self, channels, reduction=False, reduction_before=False, inputs=2, preprocess=(), **kwargs
    ):
        super().__init__(**kwargs)
        self.channels = channels
        self.reduction = reduction
        self.reduction_before = reduction_before
        with inner_layers(self.dtype_policy):
            self.preprocess = [
                self._preprocess(preprocess, halves=reduction_before and i < inputs - 1)
                for i in range(inputs)
            ]

    def _preprocess(self, names, halves) -> keras.layers.Layer:
        if not names:
            return operations.Identity(self.channels)
        return operations.create(
            names[1 if halves else 0], self.channels, strides=2 if halves else 1, affine=self.affine
        )

    def _strides(self, source: int) -> int:
        return 2 if self.reduction and source < len(self.preprocess) else 1

    def _build_preprocess(self, input_shape):
        """Builds the preprocessing; returns the shape of the cell's inputs and of its nodes."""
        for layer, shape in zip(self.preprocess, input_shape, strict=True):
            layer.build(shape)
        return self._shapes(input_shape)

    def _shapes(self, input_shape):
        """The shape of the cell's inputs behind the preprocessing, and of its nodes."""
        before = self.preprocess[-1].compute_output_shape(input_shape[-1])
        batch, *size, channels = before
        steps = self._strides(0)
        return before, (batch, *(-(-n // steps) for n in size), channels)

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
        space: the search space, or its name.
        channels, reduction, reduction_before: see `_BaseCell`.
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
    def cell_type(self) -> str:
        """Whose architecture the cell has."""
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

    Input shape: the outputs `[batch, height, width, channels]` of the cells before, and the
        operation weights `[edges, operations]`. `call` also takes a pair (rate, seed) for dropout
        behind the skip connections that are identities; None for none; and the factor of the
        auxiliary skip connections, a scalar, which a cell that was made with them needs.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.
    """

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
    return rate, tf.random.experimental.stateless_fold_in(seed, number)


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

    def call(self, inputs):
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for edges, layers in zip(self.genotype.nodes, self.nodes, strict=True):
            terms = []
            for edge, chain in zip(edges, layers, strict=True):
                term = states[edge.source]
                for layer in chain:
                    term = layer(term)
                terms.append(term)
            # A node without edges is no part of the cell: nothing takes it.
            states.append(tf.add_n(terms) if terms else None)
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
