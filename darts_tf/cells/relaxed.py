"""The interface of a supernet's cells, whatever they compute."""

from collections.abc import Iterable
from typing import ClassVar

import keras
import tensorflow as tf

from darts_tf.common.controls import Control
from darts_tf.spaces import Space


class RelaxedCell(keras.layers.Layer):
    """Base of the cells that a supernet is made of: they compute with weights that they are given.

    A cell is made as `(space, channels, reduction, reduction_before, **arguments)`, with what its
    relaxation has as `cell_arguments`, and called as `(inputs, weights, **options)`: a list of the
    outputs of the cells before it, what the relaxation's `weights` returns for its cell type, and
    its controls by name.

    Attributes:
        together: whether all edges that leave a state are computed together, by layers that share
            their traces (`darts_tf.runtime.shared_traces`).
        samples: whether it computes one operation of each edge. It then takes `mixed=True`, for
            all of them, and has `chosen_weights`.
        controls: the numbers that a schedule can move in it, for a supernet that was made with
            them.
        graph_factor: how many times the memory of cells that compute edges together the operations
            of its graph need, see `darts_tf.costs.memory`; None where nobody has measured it.
        carries_state: whether it goes on from a state. It then takes `state`, None for the initial
            one, returns a pair of its output and the state afterwards, and has `initial_state`.
        draws: whether it draws random numbers of its own, as dropout does. It then takes `seed`,
            `[2]` int32, None for no draw.
        edges_learn: whether weights belong to the operations, so that some learn and others do not.
            They may belong to the nodes, all of whose operations share them.
    """

    together: ClassVar[bool] = False
    samples: ClassVar[bool] = False
    controls: ClassVar[tuple[Control, ...]] = ()
    graph_factor: ClassVar[float | None] = None
    carries_state: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    edges_learn: ClassVar[bool] = True

    @classmethod
    def suits(cls, space: Space, cell_type: str, input_shape: tuple[int, ...]) -> bool:
        """Whether such a cell can compute a cell type of a space. Default: it can.

        Args:
            space, cell_type: what is computed.
            input_shape: of an example, as the supernet takes it.
        """
        return True

    @classmethod
    def arguments(cls, controls: Iterable[str]) -> dict:
        """The arguments of its constructor for a supernet that was made with these controls."""
        needed = (c.argument for c in cls.controls if c.name in controls)
        return {argument: True for argument in needed if argument is not None}

    @property
    def cell_type(self) -> str:
        """Whose architecture the cell has, one of the space's cell types."""
        raise NotImplementedError

    def chosen_weights(self, weights) -> list[tuple[keras.Variable, tf.Tensor]]:
        """For the weights of the operations: which entries belong to the chosen ones.

        Args:
            weights: operation weights `[edges, operations]`, one-hot.

        Returns:
            Pairs of a variable and a boolean mask that broadcasts to its shape; none (the default)
            for a cell that computes all operations.
        """
        return []

    def initial_state(self, batch_size: int):
        """The state before the first batch: a structure of tensors `[batch_size, ...]`."""
        raise NotImplementedError
