"""What a search space is: the cells, their edges and the candidate operations."""

import dataclasses
from typing import NamedTuple


class EdgePlace(NamedTuple):
    """An edge of a cell: it leads from state `source` to the intermediate node `node`.

    States are numbered as in the literature: the cell's inputs first, then its nodes, so node i
    is state `inputs + i`.
    """

    node: int
    source: int


@dataclasses.dataclass(frozen=True)
class Space:
    """A cell search space (Liu, Simonyan, Yang, ICLR 2019, section 2.1).

    Attributes:
        name: the name on the command line and in a genotype's file.
        operations: the candidate operations of every edge, in the literature's order.
        nodes: intermediate nodes of a cell.
        inputs: inputs of a cell (2: the outputs of the two cells before it).
        edges_per_node: incoming edges that a node of the derived cell keeps.
        cell_types: the kinds of cell; all cells of a kind share one architecture.
        searchable: whether a supernet can be built of it. Spaces of cells that were found
            elsewhere (NASNet, AmoebaNet) can be trained but not searched.
    """

    name: str
    operations: tuple[str, ...]
    nodes: int
    inputs: int = 2
    edges_per_node: int = 2
    cell_types: tuple[str, ...] = ("normal", "reduce")
    searchable: bool = True

    @property
    def edges(self) -> tuple[EdgePlace, ...]:
        """Every edge of a cell, ordered by node and then by source."""
        return tuple(
            EdgePlace(node, source)
            for node in range(self.nodes)
            for source in range(self.inputs + node)
        )

    def edges_into(self, node: int) -> tuple[int, ...]:
        """Indices, in `edges`, of the edges that lead to `node`."""
        return tuple(i for i, edge in enumerate(self.edges) if edge.node == node)
