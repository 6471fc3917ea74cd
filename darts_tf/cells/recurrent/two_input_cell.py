"""The discrete cell of the two-input backbone, and what it shares with the relaxed one."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from darts_tf.cells.recurrent.cell import BaseRecurrentCell
from darts_tf.cells.recurrent.two_input_operations import TwoInputOperation, operation
from darts_tf.genotypes import CellGenotype


class Parameters(NamedTuple):
    """The parameters of an operation of a node, each None if it has none.

    Attributes:
        input_kernel: W_x, `[features, units]`.
        state_kernel: W_s, `[units, units]`.
        bias: b, `[units]`.
    """

    input_kernel: keras.Variable | None
    state_kernel: keras.Variable | None
    bias: keras.Variable | None


class Constants(NamedTuple):
    """The constants that a cell computes all steps of a sequence with.

    Attributes:
        input_kernel, bias: of all operations of all nodes side by side, `[features, width]` and
            `[width]`.
        state_kernels: of every node, those of its operations side by side, `[units, width]`.
        mixture: for every node the weights of its operations; None in a discrete cell.
        input_mask, state_mask: what x_t and all states are multiplied by, `[batch, features]` and
            `[batch, units]`; None for 1.
    """

    input_kernel: tf.Tensor
    bias: tf.Tensor
    state_kernels: list[tf.Tensor]
    mixture: list[list[tf.Tensor]] | None = None
    input_mask: tf.Tensor | None = None
    state_mask: tf.Tensor | None = None


class BaseTwoInputCell(BaseRecurrentCell):
    """The base of both cells of the backbone: a chain of nodes that all read x_t.

        s_0 = h_{t-1},  s_j = sum_o w_j^o o(x_t, s_{j-1}),  h_t = s_J

    (Jie & Gao, arXiv 2106.07211, equation 3); see `two_input_operations` for o. The masks of the
    dropout multiply x_t and every s that goes through a W_s. Nothing is normalised: the text that
    could be read says nothing of it.

    Args:
        units: units of every node and of the output.
        names: for every node its operations.

    Attributes:
        parameters: for every node, for every operation, its variables.
    """

    def __init__(self, units: int, names: Sequence[Sequence[str]], **kwargs):
        super().__init__(units, len(names), (len(names),), **kwargs)
        self._names = tuple(tuple(of_node) for of_node in names)
        self._operations = [[operation(name) for name in of_node] for of_node in self._names]
        self.parameters: list[list[Parameters]] = []

    def build(self, inputs_shape, states_shape=None):
        features = inputs_shape[-1]
        for node, of_node in enumerate(self._operations):
            made = [
                self._make(f"node_{1 + node}_{number}_{name.replace(':', '_')}", one, features)
                for number, (name, one) in enumerate(zip(self._names[node], of_node, strict=True))
            ]
            self.parameters.append(made)
        self.built = True

    def _make(self, name: str, one: TwoInputOperation | None, features: int) -> Parameters:
        kernels, bias = (False, False) if one is None else (one.has_kernels, one.has_bias)

        def variable(kind, shape, wanted, initializer="glorot_uniform"):
            if not wanted:
                return None
            return self.add_weight(name=f"{name}_{kind}", shape=shape, initializer=initializer)

        return Parameters(
            variable("input_kernel", (features, self.units), kernels),
            variable("state_kernel", (self.units, self.units), kernels),
            variable("bias", (self.units,), bias, "zeros"),
        )

    def constants(self, mixture=None, input_mask=None, state_mask=None):
        masks = (m if m is None else self._computed(m) for m in (input_mask, state_mask))
        with_kernels = [[p for p in node if p.input_kernel is not None] for node in self.parameters]
        every = [p for node in with_kernels for p in node]
        empty = tf.zeros([self.units, 0], self.compute_dtype)
        return Constants(
            tf.concat([self._computed(p.input_kernel) for p in every], -1) if every else None,
            tf.concat([self._bias(p) for p in every], 0) if every else None,
            [
                tf.concat([empty, *(self._computed(p.state_kernel) for p in node)], -1)
                for node in with_kernels
            ],
            self._mixture_of_nodes(mixture),
            *masks,
        )

    def _bias(self, parameters: Parameters) -> tf.Tensor:
        if parameters.bias is None:
            return tf.zeros([self.units], self.compute_dtype)
        return self._computed(parameters.bias)

    def project(self, inputs, constants):
        """The terms that all operations get from x_t, of one step or of several.

        Args:
            inputs: `[batch, features]` or `[time, batch, features]`.
            constants: of this cell.

        Returns:
            x W_x + b of all operations side by side, `[..., width]`; of width 0 where no operation
            reads x_t.
        """
        if constants.input_kernel is None:
            return inputs[..., :0]
        if constants.input_mask is not None:
            inputs *= constants.input_mask
        return tf.tensordot(inputs, constants.input_kernel, 1) + constants.bias

    def step(self, projected, state, constants, valid=None):
        # Split once, because the gradient of a slice is as wide as what it was cut from.
        of_nodes = tf.split(projected, [k.shape[-1] for k in constants.state_kernels], axis=-1)
        for node, of_inputs in enumerate(of_nodes):
            terms = self._terms(node, of_inputs, state, constants)
            state = self._mixed(node, terms, state, constants)
        return state

    def _terms(self, node: int, of_inputs, state, constants) -> list[tf.Tensor | None]:
        """The values of the operations of a node, None for `none`."""
        masked = state if constants.state_mask is None else state * constants.state_mask
        of_state = tf.linalg.matmul(masked, constants.state_kernels[node])
        pairs = zip(self._of_operations(of_inputs), self._of_operations(of_state), strict=True)
        terms = []
        for one in self._operations[node]:
            u, v = next(pairs) if one is not None and one.has_kernels else (None, None)
            terms.append(None if one is None else one.function(u, v, state))
        return terms

    def _of_operations(self, side_by_side: tf.Tensor) -> list[tf.Tensor]:
        """The parts of the operations that have kernels, each `[batch, units]`."""
        count = side_by_side.shape[-1] // self.units
        return tf.split(side_by_side, count, axis=-1) if count else []

    def _mixed(self, node: int, terms, state, constants) -> tf.Tensor:
        """A node: the sum of the terms, weighted in a relaxed cell."""
        mixture = constants.mixture
        of_terms = [1.0] * len(terms) if mixture is None else mixture[node]
        found = [w * t for w, t in zip(of_terms, terms, strict=True) if t is not None]
        return tf.add_n(found) if found else tf.zeros_like(state)


@keras.saving.register_keras_serializable("darts_tf")
class TwoInputCell(BaseTwoInputCell):
    """The cell of a genotype of the two-input backbone; only its own operations are computed.

    A node is the sum of its operations, which have their own parameters each, an operation that is
    there twice too.

    Args:
        cell: the cell, or `{"nodes": ..., "concat": ...}` as `Genotype.to_dict` writes it; a chain.
        units: units of every node and of the output.

    Call arguments:
        inputs: x_t, `[batch, features]`.
        states: `[h_{t-1}]`, `[batch, units]`.

    Returns h_t and `[h_t]`. In a `RecurrentLayer` there may be dropout.

    Example:
        >>> cell = TwoInputCell(genotypes.get("random:two_input_rnn:1")["recurrent"], units=64)
        >>> keras.layers.RNN(cell, return_sequences=True)(tf.zeros([2, 35, 8])).shape
        TensorShape([2, 35, 64])
    """

    def __init__(self, cell: CellGenotype | Mapping[str, Any], units: int, **kwargs):
        if not isinstance(cell, CellGenotype):
            cell = CellGenotype(cell["nodes"], cell["concat"])
        super().__init__(units, [[e.operation for e in node] for node in cell.nodes], **kwargs)
        self.genotype = cell

    def _mixture_of_nodes(self, mixture):
        return None

    def get_config(self):
        nodes = [[list(edge) for edge in node] for node in self.genotype.nodes]
        cell = {"nodes": nodes, "concat": list(self.genotype.concat)}
        return {**super().get_config(), "cell": cell}
