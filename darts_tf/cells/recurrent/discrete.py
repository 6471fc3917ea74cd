"""The discrete recurrent cell of a genotype, of whatever kind its space is."""

from darts_tf.cells.recurrent.cell import BaseRecurrentCell, RecurrentCell
from darts_tf.cells.recurrent.two_input_cell import TwoInputCell
from darts_tf.common.errors import UserError
from darts_tf.genotypes import Genotype

_CELLS = {"recurrent": RecurrentCell, "two_input": TwoInputCell}


def cell_of(genotype: Genotype, units: int) -> BaseRecurrentCell:
    """The cell of a genotype with new weights.

    Args:
        genotype: of a recurrent space, of either kind.
        units: of the cell.

    Raises:
        UserError: its cells do not run over time.
    """
    kind = genotype.search_space.kind
    if kind not in _CELLS or list(genotype.cells) != ["recurrent"]:
        raise UserError(
            "expected a genotype that has a recurrent cell alone; this one, of the space "
            f"{genotype.space!r}, has {', '.join(genotype.cells)}"
        )
    return _CELLS[kind](genotype["recurrent"], units)
