"""Which cells compute a space under a relaxation."""

from collections.abc import Iterable
from typing import NamedTuple

from darts_tf.cells.batched_cell import BatchedMixedCell
from darts_tf.cells.cell import MixedCell
from darts_tf.cells.partial_cell import BatchedPartialCell, PartialMixedCell
from darts_tf.cells.recurrent.relaxed_cell import RelaxedRecurrentCell
from darts_tf.cells.recurrent.two_input_mixed_cell import RelaxedTwoInputCell
from darts_tf.cells.relaxed import RelaxedCell
from darts_tf.cells.sampled_cell import SampledCell
from darts_tf.common import lookup
from darts_tf.common.controls import Control
from darts_tf.common.errors import UserError
from darts_tf.spaces import Space


class CellKind(NamedTuple):
    """Cells that compute the same function.

    Attributes:
        classes: the quickest first. The last one takes whatever the others do not.
        controls: what a supernet of such cells may be made with.
    """

    classes: tuple[type[RelaxedCell], ...]
    controls: tuple[Control, ...] = ()

    def choose(
        self,
        space: Space,
        cell_type: str,
        input_shape: tuple[int, ...],
        controls: Iterable[str] = (),
        together: bool = True,
    ) -> type[RelaxedCell]:
        """The quickest class that can do it.

        Args:
            space, cell_type, input_shape: see `RelaxedCell.suits`.
            controls: the names of those that the cells must have.
            together: whether the edges that leave a state may be computed together.
        """
        *quicker, last = self.classes
        for kind in quicker:
            has = {control.name for control in kind.controls}
            allowed = has >= set(controls) and (together or not kind.together)
            if allowed and kind.suits(space, cell_type, input_shape):
                return kind
        return last


# (kind of the space, what the relaxation has as `cell`) -> cells.
_KINDS: dict[tuple[str, str], CellKind] = {
    ("convolutional", "mixed"): CellKind((BatchedMixedCell, MixedCell), MixedCell.controls),
    ("convolutional", "sampled"): CellKind((SampledCell, MixedCell)),
    ("convolutional", "partial"): CellKind((BatchedPartialCell, PartialMixedCell)),
    ("recurrent", "mixed"): CellKind((RelaxedRecurrentCell,)),
    ("recurrent", "sampled"): CellKind((RelaxedRecurrentCell,)),
    ("two_input", "mixed"): CellKind((RelaxedTwoInputCell,)),
    ("two_input", "sampled"): CellKind((RelaxedTwoInputCell,)),
}


def register(space_kind: str, cell: str, kind: CellKind, *, replace: bool = False) -> CellKind:
    """Makes cells of your own known; returns them.

    Args:
        space_kind: the `kind` of the spaces that they compute.
        cell: the `cell` of the relaxations that they compute.
        kind: the cells.
        replace: whether they may take the place of others.

    Raises:
        UserError: there are other cells for these two; an equal definition may come again.
    """
    return lookup.register("kind of cell", _KINDS, (space_kind, cell), kind, replace)


def controls(cell: str) -> set[str]:
    """The names of what schedules can move in any cells of a name, whatever their space."""
    of_name = [kind for (_, own), kind in _KINDS.items() if own == cell]
    return {control.name for kind in of_name for control in kind.controls}


def get(space: Space, cell: str) -> CellKind:
    """The cells that compute a space.

    Args:
        space: the space.
        cell: the `cell` of the relaxation.

    Raises:
        UserError: there are none.
    """
    if (space.kind, cell) in _KINDS:
        return _KINDS[space.kind, cell]
    known = ", ".join(sorted(name for kind, name in _KINDS if kind == space.kind)) or "none"
    raise UserError(
        f"the relaxation needs {cell} cells, which nobody has made for the {space.kind} cells of "
        f"the space {space.name!r}; there are: {known}"
    )
