"""Selection of the operations whose weight reaches a threshold, as in FairDARTS."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.isolated import cell_of
from darts_tf.spaces import Space, check_operation_weights

THRESHOLD = 0.85


def threshold(
    space: Space, weights: Mapping[str, np.ndarray], least: float = THRESHOLD
) -> Genotype:
    """At most one operation of at most `space.edges_per_node` edges of a node.

    Of the edges whose strongest operation weighs most, those whose weight reaches the threshold
    (Chu, Zhou, Zhang, Li, ECCV 2020; "threshold_sparse" in the authors' code). A node may keep
    fewer edges, or none; see `darts_tf.selections.isolated.cell_of`. `none` is never chosen. Ties
    go to the lower source and the earlier operation.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.
        least: the threshold. Default 0.85, the authors'.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """

    def keep(scores):
        kept = []
        for node in range(space.nodes):
            edges = sorted(space.edges_into(node), key=lambda e: -scores[e].max())
            kept += [(e, int(scores[e].argmax())) for e in edges[: space.edges_per_node]]
        return [pair for pair in kept if scores[pair] >= least]

    return _genotype(space, weights, keep)


def threshold_edge(
    space: Space, weights: Mapping[str, np.ndarray], least: float = THRESHOLD, most: int = 2
) -> Genotype:
    """All edges, with up to `most` operations each whose weight reaches the threshold.

    "threshold_edge" in the FairDARTS authors' code; otherwise as `threshold`.
    """

    def keep(scores):
        order = np.argsort(-scores, axis=-1, kind="stable")[:, :most].tolist()
        return [(e, k) for e, row in enumerate(order) for k in row if scores[e, k] >= least]

    return _genotype(space, weights, keep)


def _genotype(space, weights, keep) -> Genotype:
    cells = {}
    for cell_type, values in check_operation_weights(space, weights).items():
        scores = np.where(space.choosable(cell_type, none=False), values, -np.inf)
        cells[cell_type] = cell_of(space, cell_type, values, keep(scores))
    return Genotype(space, cells)
