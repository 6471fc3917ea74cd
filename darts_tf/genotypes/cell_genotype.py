"""A discrete cell as a value, and whether it fits a search space."""

import dataclasses
from typing import NamedTuple

from darts_tf import spaces
from darts_tf.common.errors import UserError


class Edge(NamedTuple):
    """A kept edge of a cell: `operation` applied to node `source`.

    The numbers are those of `darts_tf.spaces.node_names`: the cell's inputs first, 0 and 1 where it
    has two, then its intermediate nodes.
    """

    operation: str
    source: int


@dataclasses.dataclass(frozen=True)
class CellGenotype:
    """One discrete cell.

    Attributes:
        nodes: for every intermediate node, which go on from the inputs' numbers, the edges that
            are summed into it; a node without any is no part of the cell.
        concat: the nodes whose concatenation, in a recurrent cell their mean, is the output of the
            cell.
    """

    nodes: tuple[tuple[Edge, ...], ...]
    concat: tuple[int, ...]

    def __post_init__(self):
        nodes = tuple(tuple(Edge(*edge) for edge in node) for node in self.nodes)
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "concat", tuple(self.concat))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, ordered by node."""
        return tuple(edge for node in self.nodes for edge in node)


def check_cells(space: spaces.Space, cells: dict[str, CellGenotype]) -> None:
    """Refuses cells that are not those of a space.

    Args:
        space: a search space.
        cells: cell type -> cell.

    Raises:
        UserError: names the place in the cells.
    """
    if set(cells) != set(space.cell_types):
        raise UserError(
            f"cells: the space {space.name!r} has the cell types {list(space.cell_types)}, "
            f"got {list(cells)}"
        )
    for name, cell in cells.items():
        _check_cell(space, name, cell)


def _check_cell(space: spaces.Space, cell_type: str, cell: CellGenotype) -> None:
    place = f"cells.{cell_type}"
    if len(cell.nodes) != space.nodes:
        raise UserError(
            f"{place}.nodes: the space {space.name!r} has {space.nodes} nodes, "
            f"got {len(cell.nodes)}"
        )
    candidates = dict(zip(space.edges, space.operations_on(cell_type), strict=True))
    for i, node in enumerate(cell.nodes):
        if not node:
            _check_isolated(space.inputs + i, f"{place}.nodes[{i}]", cell)
        into = {edge.source: names for edge, names in candidates.items() if edge.node == i}
        for k, edge in enumerate(node):
            _check_edge(space, f"{place}.nodes[{i}][{k}]", edge, space.inputs + i, into)
    if not cell.concat or len(set(cell.concat)) != len(cell.concat):
        raise UserError(f"{place}.concat: expected different nodes, got {list(cell.concat)}")
    for state in cell.concat:
        if not 0 <= state < space.inputs + space.nodes:
            raise UserError(
                f"{place}.concat: node {state} does not exist; "
                f"nodes are 0 to {space.inputs + space.nodes - 1}"
            )
    if space.output == "last" and cell.concat != space.concat:
        raise UserError(
            f"{place}.concat: in the space {space.name!r} a cell's output is its last node, "
            f"{list(space.concat)}, got {list(cell.concat)}"
        )


def _check_isolated(state: int, place: str, cell: CellGenotype) -> None:
    """A node without edges, which some selections leave, must not be used."""
    if state in cell.concat or any(edge.source == state for edge in cell.edges):
        raise UserError(
            f"{place}: node {state} needs at least one edge if it is part of the output or "
            "leads to another"
        )


def _check_edge(space: spaces.Space, place: str, edge: Edge, state: int, into: dict) -> None:
    """`into`: the sources of the edges to the node `state` -> their candidates."""
    if edge.operation not in space.operations:
        raise UserError(
            f"{place}: unknown operation {edge.operation!r}; the space {space.name!r} has "
            + ", ".join(space.operations)
        )
    if edge.source not in into:
        raise UserError(
            f"{place}: there is no edge from node {edge.source} to node {state}; "
            f"it can take the nodes {', '.join(map(str, into))}"
        )
    if edge.operation not in into[edge.source]:
        raise UserError(
            f"{place}: {edge.operation!r} is no candidate of this edge; the space {space.name!r} "
            f"has {', '.join(into[edge.source])} there"
        )
