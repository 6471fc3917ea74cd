"""Selection by the largest operation weights, as in DARTS."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.spaces import Space


def magnitude(space: Space, weights: Mapping[str, np.ndarray]) -> Genotype:
    """The genotype of the largest operation weights.

    For every node the `space.edges_per_node` incoming edges whose strongest operation other than
    `none` weighs most, and on each of them that operation (Liu, Simonyan, Yang, ICLR 2019, section
    2.4). The weight of `none` counts in the softmax, so it lowers an edge's rank, but `none`
    itself is never chosen. Ties go to the lower source and the earlier operation.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`.
    """
    cells = {name: _cell(space, np.asarray(weights[name])) for name in space.cell_types}
    return Genotype(space.name, cells)


def _cell(space: Space, weights: np.ndarray) -> CellGenotype:
    allowed = [k for k, name in enumerate(space.operations) if name != "none"]
    best = weights[:, allowed]
    nodes = []
    for node in range(space.nodes):
        edges = sorted(space.edges_into(node), key=lambda e: -best[e].max())
        kept = sorted(edges[: space.edges_per_node])
        nodes.append(
            tuple(
                Edge(space.operations[allowed[int(best[e].argmax())]], space.edges[e].source)
                for e in kept
            )
        )
    concat = tuple(range(space.inputs, space.inputs + space.nodes))
    return CellGenotype(tuple(nodes), concat)
