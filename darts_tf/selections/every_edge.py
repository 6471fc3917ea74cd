"""Selection of one operation for every edge, which may be none."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.isolated import cell_of
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import Space, check_operation_weights


def every_edge(space: Space, weights: Mapping[str, np.ndarray]) -> Genotype:
    """The strongest operation of every edge; an edge whose strongest is `none` is left out.

    SNAS (Xie, Zheng, Liu, Lin, ICLR 2019) derives its cells so: a node keeps any number of edges.
    Ties go to the earlier operation. Where a node would be left without an edge, see
    `darts_tf.selections.isolated.cell_of`. In a space whose cells hold `none` (`selects_none`)
    it stays, as by `magnitude`.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    if space.selects_none:
        return magnitude(space, weights)
    cells = {}
    for cell_type, values in check_operation_weights(space, weights).items():
        best = np.where(space.mask(cell_type), values, -np.inf).argmax(axis=-1).tolist()
        kept = [(e, k) for e, k in enumerate(best) if space.operations[k] != "none"]
        cells[cell_type] = cell_of(space, cell_type, values, kept)
    return Genotype(space, cells)
