"""Selection by the largest operation weights, as in DARTS."""

from collections.abc import Mapping

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.spaces import Space, check_operation_weights


def magnitude(space: Space, weights: Mapping[str, np.ndarray]) -> Genotype:
    """The genotype of the largest operation weights.

    For every node the `space.edges_per_node` incoming edges whose strongest operation weighs most,
    and on each of them that operation (Liu, Simonyan, Yang, ICLR 2019, section 2.4). `none` is
    chosen only where `space.selects_none` says so (NAS-Bench-201, where all edges are kept);
    elsewhere its weight counts in the softmax, so it lowers an edge's rank, but `none` itself is
    never chosen. An operation that is no candidate of an edge is not chosen on it, and an edge
    without any is left out. Ties go to the lower source and the earlier
    operation.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`, or no edge
            to a node has an operation that may be chosen.
    """
    weights = check_operation_weights(space, weights)
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
