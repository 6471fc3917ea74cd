"""Selection of the largest weights of a node, whichever edges they are on."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.isolated import cell_of
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import Space, check_operation_weights


def top_pairs(
    space: Space, weights: Mapping[str, np.ndarray], pairs: int | None = None
) -> Genotype:
    """For every node the largest weights among all operations of all its edges.

    A node may take several operations from one state and none from another. This is how GDAS (Dong
    & Yang, CVPR 2019) derives its cells in the NASNet space. I-DARTS (Jiang et al., EMNLP-IJCNLP
    2019) compares operations across edges in the same way; how many it keeps is our reading. In a
    space that keeps every edge (NAS-Bench-201) each edge keeps its largest, as `magnitude` has it,
    which is what GDAS does there.
    `none` is never chosen. Ties go to the lower source and the earlier operation.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.
        pairs: how many operations a node keeps. Default: `space.edges_per_node`.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    if pairs is None and space.edges_per_node is None:
        return magnitude(space, weights)
    cells = {}
    for cell_type, values in check_operation_weights(space, weights).items():
        allowed = space.choosable(cell_type, none=False)
        kept = []
        for node in range(space.nodes):
            edges = space.edges_into(node)
            found = [(e, k) for e in edges for k in np.flatnonzero(allowed[e]).tolist()]
            found.sort(key=lambda pair: -values[pair])
            kept += found[: pairs or space.edges_per_node]
        cells[cell_type] = cell_of(space, cell_type, values, kept)
    return Genotype(space, cells)
