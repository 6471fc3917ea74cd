"""The discrete recurrent cell, and what it shares with the relaxed one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from darts_tf.cells.recurrent.activations import activation
from darts_tf.cells.recurrent.mixing import gate, highway
from darts_tf.genotypes import CellGenotype

# Of the authors' code: all weights start uniform in [-0.04, 0.04].
_START = 0.04


class Constants(NamedTuple):
    """The constants that a cell computes all steps of a sequence with.

    Attributes:
        input_kernel, state_kernel: the rows of W_0 for x_t and for h_{t-1}, `[features, 2 * units]`
            and `[units, 2 * units]`.
        kernels: W_i of every node, `[units, 2 * units]`.
        mixture: for every node the operation weights of the edges into it, `[edges, operations]`;
            None in a discrete cell.
        input_mask, state_mask: what x_t and all states are multiplied by, `[batch, features]` and
            `[batch, units]`; None for 1.
    """

    input_kernel: tf.Tensor
    state_kernel: tf.Tensor
    kernels: list[tf.Tensor]
    mixture: list[tf.Tensor] | None = None
    input_mask: tf.Tensor | None = None
    state_mask: tf.Tensor | None = None


class BaseRecurrentCell(keras.layers.Layer):
    """The base of both recurrent cells: their weights, node 0, and the interface of an RNN cell.

        s_0 = h_{t-1} + c_0 (h_0 - h_{t-1}),  [c_0, h_0] = split([x_t * m_x, h_{t-1} * m_h] W_0)

    with c_0 behind a sigmoid and h_0 behind a tanh; the other nodes are the subclasses', and h_t is
    the mean of the nodes in `concat`. The masks m_x and m_h are those of variational dropout (Gal &
    Ghahramani, NeurIPS 2016): the same at all steps of a sequence.

    A cell is computed in three parts, so that what is the same at all steps is computed once:
    `constants`, `project` and `step`. All three are functions of their arguments and of the
    weights, and write nothing. `RecurrentLayer` runs them over time; `call` does for one step what
    `keras.layers.RNN` and `keras.layers.StackedRNNCells` want of a cell.

    Args:
        units: units of every state and of the output.
        nodes: number of intermediate nodes.
        concat: the numbers of the nodes whose mean is the output.

    Attributes:
        normalized: whether the states are batch normalised.
    """

    def __init__(self, units: int, nodes: int, concat, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        self.output_size = units
        self.normalized = False
        self._nodes = nodes
        self._concat = tuple(concat)

    def build(self, inputs_shape, states_shape=None):
        wide = 2 * self.units
        self.input_kernel = self._kernel("input_kernel", (inputs_shape[-1] + self.units, wide))
        self.kernels = [
            self._kernel(f"kernel_{1 + node}", (self.units, wide)) for node in range(self._nodes)
        ]
        self.built = True

    def _kernel(self, name, shape) -> keras.Variable:
        start = keras.initializers.RandomUniform(-_START, _START)
        return self.add_weight(name=name, shape=shape, initializer=start)

    def constants(self, mixture=None, input_mask=None, state_mask=None) -> Constants:
        """The constants that `step` computes with.

        Args:
            mixture: the operation weights `[edges, operations]`, for a relaxed cell.
            input_mask: `[batch, features]`, what x_t is multiplied by; None for 1.
            state_mask: `[batch, units]`, the same for the states.
        """
        first, *others = (self._computed(v) for v in (self.input_kernel, *self.kernels))
        features = first.shape[0] - self.units
        masks = (m if m is None else self._computed(m) for m in (input_mask, state_mask))
        return Constants(
            first[:features], first[features:], others, self._mixture_of_nodes(mixture), *masks
        )

    def _computed(self, value) -> tf.Tensor:
        return tf.cast(keras.ops.convert_to_tensor(value), self.compute_dtype)

    def _mixture_of_nodes(self, mixture) -> list[tf.Tensor] | None:
        raise NotImplementedError

    def project(self, inputs, constants: Constants) -> tf.Tensor:
        """The part of node 0 that comes from x_t, of one step or of several.

        Args:
            inputs: `[batch, features]` or `[time, batch, features]`.
            constants: of this cell.

        Returns:
            `[..., 2 * units]`.
        """
        if constants.input_mask is not None:
            inputs *= constants.input_mask
        flat = tf.reshape(inputs, [-1, inputs.shape[-1]])
        shape = tf.concat([tf.shape(inputs)[:-1], [2 * self.units]], axis=0)
        projected = tf.reshape(tf.linalg.matmul(flat, constants.input_kernel), shape)
        projected.set_shape([*inputs.shape[:-1], 2 * self.units])
        return projected

    def step(self, projected, state, constants: Constants, valid=None) -> tf.Tensor:
        """One step of a sequence.

        Args:
            projected: what `project` gives of x_t, `[batch, 2 * units]`.
            state: h_{t-1}, `[batch, units]`.
            constants: of this cell.
            valid: `[batch, 1]`, whether an example has this step; None if all do.

        Returns:
            h_t, `[batch, units]`.
        """
        states = [self._normalized(self._first(projected, state, constants), valid)]
        for node in range(self._nodes):
            states.append(self._normalized(self._node(node, states, constants), valid))
        return tf.add_n([states[i] for i in self._concat]) / len(self._concat)

    def _first(self, projected, state, constants):
        masked = state if constants.state_mask is None else state * constants.state_mask
        c, h = tf.split(projected + tf.linalg.matmul(masked, constants.state_kernel), 2, axis=-1)
        return highway(state, tf.sigmoid(c), h, tf.tanh)

    def _node(self, node: int, states, constants) -> tf.Tensor | None:
        raise NotImplementedError

    def _normalized(self, value, valid) -> tf.Tensor:
        return value

    def get_initial_state(self, batch_size=None):
        """Zeros, `[batch, units]`."""
        return [tf.zeros([batch_size, self.units], self.compute_dtype)]

    def call(self, inputs, states, training=False):
        (state,) = states if isinstance(states, list | tuple) else (states,)
        constants = self.constants()
        output = self.step(self.project(inputs, constants), state, constants)
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("darts_tf")
class RecurrentCell(BaseRecurrentCell):
    """The recurrent cell of a genotype; only its own edges are computed.

        s_i = s_j + c_j (f(h_j) - s_j),  [c_j, h_j] = split((s_j * m_h) W_i)

    for the edge (f, j) into node i, c_j behind a sigmoid; of several edges it is the sum (Liu,
    Simonyan, Yang, ICLR 2019, appendix A.2.1). There is no batch normalisation.

    Args:
        cell: the cell, or `{"nodes": ..., "concat": ...}` as `Genotype.to_dict` writes it.
        units: units of every state and of the output.

    Call arguments:
        inputs: x_t, `[batch, features]`.
        states: `[h_{t-1}]`, `[batch, units]`.

    Returns h_t and `[h_t]`. In a `RecurrentLayer` there may be dropout.

    Example:
        >>> cell = RecurrentCell(genotypes.get("RNN_DARTS_V2")["recurrent"], units=850)
        >>> keras.layers.RNN(cell, return_sequences=True)(tf.zeros([2, 35, 850])).shape
        TensorShape([2, 35, 850])
    """

    def __init__(self, cell: CellGenotype | Mapping[str, Any], units: int, **kwargs):
        if not isinstance(cell, CellGenotype):
            cell = CellGenotype(cell["nodes"], cell["concat"])
        super().__init__(units, len(cell.nodes), cell.concat, **kwargs)
        self.genotype = cell

    def _mixture_of_nodes(self, mixture):
        return None

    def _node(self, node, states, constants):
        gates, terms = {}, []
        for edge in self.genotype.nodes[node]:
            state, function = states[edge.source], activation(edge.operation)
            if edge.source not in gates:
                gates[edge.source] = gate(state, constants.kernels[node], constants.state_mask)
            if function is None:
                terms.append(tf.zeros_like(state))
            else:
                terms.append(highway(state, *gates[edge.source], function))
        return tf.add_n(terms) if terms else None

    def get_config(self):
        nodes = [[list(edge) for edge in node] for node in self.genotype.nodes]
        cell = {"nodes": nodes, "concat": list(self.genotype.concat)}
        return {**super().get_config(), "cell": cell}
