"""Cells in which a node may be left without any edge."""

import warnings

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.spaces import Space, node_names

Kept = list[tuple[int, int]]


def cell_of(space: Space, cell_type: str, weights: np.ndarray, kept: Kept) -> CellGenotype:
    """The cell that consists of the kept operations.

    A node without an edge is no part of the cell: edges that leave it are dropped too, and it is
    not concatenated. A cell needs an output. Where no node is left for it, the strongest operation
    that connects an input with the output is kept, with a warning.

    Args:
        space: the search space.
        cell_type: one of its cell types.
        weights: operation weights `[edges, operations]`.
        kept: pairs (edge, operation), both numbers.

    Raises:
        UserError: the space has no edge from an input to the output.
    """
    nodes = _connected(space, kept)
    if not any(nodes[state - space.inputs] for state in space.concat):
        pair = _strongest_to_output(space, space.choosable(cell_type, none=False), weights)
        edge = space.edges[pair[0]]
        warnings.warn(
            f"{cell_type} cell: no operation that was selected connects an input with the output; "
            f"kept the strongest that does, {space.operations[pair[1]]} on "
            + node_names.edge_text(*edge, space.inputs, space.kind),
            stacklevel=2,
        )
        nodes = _connected(space, [*kept, pair])
    concat = tuple(state for state in space.concat if nodes[state - space.inputs])
    return CellGenotype(tuple(nodes), concat)


def _connected(space, kept) -> list[tuple[Edge, ...]]:
    """The edges of every node, without those that leave a node without edges."""
    alive = set(range(space.inputs))
    nodes = []
    for node in range(space.nodes):
        pairs = sorted(
            (space.edges[e].source, k) for e, k in set(kept) if space.edges[e].node == node
        )
        edges = tuple(Edge(space.operations[k], source) for source, k in pairs if source in alive)
        if edges:
            alive.add(space.inputs + node)
        nodes.append(edges)
    return nodes


def _strongest_to_output(space, allowed, weights) -> tuple[int, int]:
    direct = np.array(
        [e.source < space.inputs and space.inputs + e.node in space.concat for e in space.edges]
    )
    scores = np.where(allowed & direct[:, None], weights, -np.inf)
    if not np.isfinite(scores.max()):
        raise UserError(
            f"no operation was selected that leads to the output of a cell of {space.name!r}; "
            "use the selection magnitude, or search longer"
        )
    return tuple(int(i) for i in np.unravel_index(scores.argmax(), scores.shape))
