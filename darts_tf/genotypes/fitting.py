"""The space that cells belong to, where a text does not name it."""

from collections.abc import Mapping

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes.cell_genotype import CellGenotype
from darts_tf.genotypes.genotype import Genotype


def genotype_of(cells: Mapping[str, CellGenotype], space=None) -> Genotype:
    """The genotype of cells, of the first known space that they fit.

    Cells of S1, S2 and S3 are such of `darts_cnn` too, and that is what they are taken for.

    Args:
        cells: cell type -> cell.
        space: the space, or its name; None to find it.

    Raises:
        UserError: they fit none; the message is that of the space which is most like them.
    """
    if space is not None:
        return Genotype(space, cells)
    reason, known = None, [spaces.get(name) for name in spaces.names(kind=None)]
    for one in known:
        if set(one.cell_types) == set(cells):
            try:
                return Genotype(one.name, cells)
            except UserError as error:
                nodes = {len(cell.nodes) for cell in cells.values()}
                if reason is None and nodes == {one.nodes}:
                    reason = error
    if reason is not None:
        raise reason
    sizes = ", ".join(f"{name} of {len(cell.nodes)} nodes" for name, cell in cells.items())
    alike = [one for one in known if set(one.cell_types) == set(cells)]
    raise UserError(
        f"no space has cells such as {sizes}; of such cells there are "
        + (", ".join(f"{one.name} of {one.nodes} nodes" for one in alike) or "no spaces")
    )
