"""The relaxed cell of the two-input backbone, alone and over all steps of a batch of sequences."""

import keras
import tensorflow as tf

from darts_tf import spaces
from darts_tf.cells.recurrent.relaxed_cell import RelaxedRecurrentCell
from darts_tf.cells.recurrent.two_input_cell import BaseTwoInputCell
from darts_tf.common.errors import UserError


@keras.saving.register_keras_serializable("darts_tf")
class TwoInputMixedCell(BaseTwoInputCell):
    """The two-input cell of a supernet: every candidate of every node, weighted.

    Operations that are no candidates of a node have no parameters there.

    Args:
        space: a two-input search space, or its name.
        units: units of every node and of the output.

    Call arguments: those of a `RecurrentLayer`, which this cell needs, because that takes the
        operation weights too.

    Raises:
        UserError: the space is no two-input one.
    """

    def __init__(self, space: str | spaces.Space, units: int, **kwargs):
        found = spaces.get(space)
        spaces.check_kind(found, "two_input", "a two-input cell")
        candidates = found.operations_on(found.cell_types[0])
        super().__init__(units, candidates, **kwargs)
        self.space = spaces.serialize(space)
        self._space = found
        self._columns = [[found.operations.index(o) for o in names] for names in candidates]

    @property
    def cell_type(self) -> str:
        """Whose architecture the cell has."""
        return self._space.cell_types[0]

    @property
    def candidates(self) -> tuple[tuple[str, ...], ...]:
        """For every node the names of its operations, in the order of `parameters`."""
        return self._names

    def _mixture_of_nodes(self, mixture):
        shape = (len(self._space.edges), len(self._space.operations))
        if mixture is None or tuple(mixture.shape) != shape:
            raise UserError(
                f"a relaxed cell of the space {self._space.name!r} needs operation weights of the "
                f"shape {shape}, [nodes, operations]; got "
                + ("none" if mixture is None else str(tuple(mixture.shape)))
                + ". Run it in a RecurrentLayer and give that mixture=..."
            )
        mixture = tf.unstack(self._computed(mixture))
        return [[row[c] for c in own] for row, own in zip(mixture, self._columns, strict=True)]

    def get_config(self):
        return {"space": self.space, **super().get_config()}


class RelaxedTwoInputCell(RelaxedRecurrentCell):
    """A `TwoInputMixedCell` run over time; see `RelaxedRecurrentCell`."""

    mixed_cell = TwoInputMixedCell
