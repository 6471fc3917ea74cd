"""The relaxed recurrent cell."""

import keras
import tensorflow as tf

from darts_tf import spaces
from darts_tf.cells.recurrent import mixing
from darts_tf.cells.recurrent.cell import BaseRecurrentCell
from darts_tf.cells.recurrent.state_normalization import normalized
from darts_tf.common.errors import UserError


@keras.saving.register_keras_serializable("darts_tf")
class RecurrentMixedCell(BaseRecurrentCell):
    """The recurrent cell of a supernet: every operation on every edge, weighted.

    See `darts_tf.cells.recurrent.mixing` for the nodes. Node 0 and every other node are batch
    normalised, as in the search of DARTS, in training and in inference by their own batch (see
    `darts_tf.cells.recurrent.state_normalization`); a discrete cell is not. The weights are those
    of a discrete cell with as many nodes, because W_i is shared by all edges into node i. Any
    relaxation goes through the operation weights; one-hot ones give the discrete cell, but for the
    normalisation.

    Args:
        space: a recurrent search space, or its name.
        units: units of every state and of the output.
        normalized: whether the states are batch normalised.
        stacked: whether the edges into a node are computed together, or one by one as the formula
            has them: the same function, slower.

    Call arguments: those of a `RecurrentLayer`, which this cell needs, because that takes the
        operation weights too.

    Raises:
        UserError: the space is no recurrent one.
    """

    def __init__(
        self,
        space: str | spaces.Space,
        units: int,
        normalized: bool = True,
        stacked: bool = True,
        **kwargs,
    ):
        found = spaces.get(space)
        spaces.check_kind(found, "recurrent", "a recurrent cell")
        super().__init__(units, found.nodes, found.concat, **kwargs)
        self.space = spaces.serialize(space)
        self.stacked = stacked
        self.normalized = normalized
        self._space = found

    @property
    def cell_type(self) -> str:
        """Whose architecture the cell has."""
        return self._space.cell_types[0]

    def _mixture_of_nodes(self, mixture):
        shape = (len(self._space.edges), len(self._space.operations))
        if mixture is None or tuple(mixture.shape) != shape:
            raise UserError(
                f"a relaxed cell of the space {self._space.name!r} needs operation weights of the "
                f"shape {shape}, [edges, operations]; got "
                + ("none" if mixture is None else str(tuple(mixture.shape)))
                + ". Run it in a RecurrentLayer and give that mixture=..."
            )
        mixture = self._computed(mixture)
        into = [self._space.edges_into(node) for node in range(self._space.nodes)]
        # Edges are ordered by node.
        return tf.split(mixture, [len(edges) for edges in into])

    def _node(self, node, states, constants):
        sources = [states[self._space.edges[e].source] for e in self._space.edges_into(node)]
        value = mixing.stacked if self.stacked else mixing.defined
        names, mask = self._space.operations, constants.state_mask
        return value(sources, constants.kernels[node], constants.mixture[node], names, mask)

    def _normalized(self, value, valid):
        return normalized(value, valid) if self.normalized else value

    def get_config(self):
        return {
            "space": self.space,
            **super().get_config(),
            "normalized": self.normalized,
            "stacked": self.stacked,
        }
