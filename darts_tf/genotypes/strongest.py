"""The cell of the largest operation weights, as DARTS reads it off its alphas."""

from collections.abc import Mapping

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


def strongest(space: Space, weights: Mapping[str, np.ndarray]) -> Genotype:
    """For every node its strongest edges, and on each of them the strongest operation.

    See `darts_tf.selections.magnitude`.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, not negative.

    Raises:
        UserError: no edge to a node has an operation that may be chosen.
    """
    return Genotype(space, {name: _cell(space, name, weights[name]) for name in weights})


def _cell(space: Space, cell_type: str, weights: np.ndarray) -> CellGenotype:
    allowed = space.choosable(cell_type)
    scores = np.where(allowed, weights, -np.inf)
    nodes = []
    for node in range(space.nodes):
        edges = [e for e in space.edges_into(node) if allowed[e].any()]
        if not edges:
            raise UserError(
                f"{cell_type} cell: no edge to node {space.inputs + node} has a candidate other "
                "than none to choose"
            )
        edges.sort(key=lambda e: -scores[e].max())
        kept = sorted(edges[: space.edges_per_node])
        nodes.append(
            tuple(
                Edge(space.operations[int(scores[e].argmax())], space.edges[e].source) for e in kept
            )
        )
    return CellGenotype(tuple(nodes), space.concat)
