"""Search spaces: the cells, their edges and the candidate operations."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from darts_tf.common.errors import UserError

# The alpha of an operation that is no candidate of its edge: its softmax is exactly 0 and so is the
# gradient. A finite number, so that no product of it with 0 is NaN.
EXCLUDED = -1e9

# Kind of the cells -> what the output of one can be.
OUTPUTS = {
    "convolutional": ("concat", "last"),
    "recurrent": ("mean", "last"),
    "two_input": ("last",),
}

# What DARTS does with a cell's inputs: see `Space.preprocess`.
DARTS_PREPROCESS = ("relu_conv_bn", "factorized_reduce")


class EdgePlace(NamedTuple):
    """An edge of a cell, from the node with the number `source`.

    Attributes:
        node: the place among the intermediate nodes, from 0, of the one that it leads to: its
            number, see `darts_tf.spaces.node_names`, is `inputs + node`.
        source: the number of the node that it comes from, an input or an intermediate one.
    """

    node: int
    source: int


@dataclasses.dataclass(frozen=True)
class Space:
    """A cell search space (Liu, Simonyan, Yang, ICLR 2019, section 2.1).

    A cell is a directed acyclic graph; a node is the sum of what its edges bring.

    Args:
        name: the name on the command line and in a genotype's file.
        operations: the candidate operations, in the literature's order.
        nodes: intermediate nodes of a cell.
        inputs: inputs of a cell (2: the outputs of the two cells before it).
        edges_per_node: incoming edges that a node of the derived cell keeps; None for all.
        cell_types: the kinds of cell; all cells of a kind share one architecture. The second,
            where there is one, is that of the reduction cells.
        searchable: whether a supernet can be built of it. Spaces of cells that were found
            elsewhere (NASNet, AmoebaNet) can be trained but not searched.
        edges: pairs (node, source), ordered by node, see `EdgePlace`. Default: every intermediate
            node has an edge from every node before it.
        edge_operations: cell type -> for every edge, in the order of `edges`, the names of its
            candidates. Default: all operations on every edge.
        selects_none: whether the derived cell may hold `none` (NAS-Bench-201), or `none` only
            competes during the search (DARTS).
        output: a cell's output: "concat", the concatenation of all its nodes, "mean", their mean
            (recurrent cells), or "last", its last node.
        preprocess: the operations that a cell's inputs go through, the second where the input is
            twice as large as the cell because the cell before reduced it; None for none.
        normalized_pooling: whether a pooling in a supernet is followed by batch normalisation.
        macro: the network around the cells, see `darts_tf.macros`: its name, or a `Macro`.
        kind: "convolutional" for cells of an image network, "recurrent" for cells that run over
            time, whose input is the state made of x_t and h_{t-1}, "two_input" for such cells whose
            input is h_{t-1} and whose nodes all read x_t. The last two have one input and no
            `preprocess`; "two_input" ones are chains, each node with one edge, from the one before.

    Raises:
        UserError: the arguments do not describe a cell; the message names the place.
    """

    name: str
    operations: tuple[str, ...]
    nodes: int
    inputs: int = 2
    edges_per_node: int | None = 2
    cell_types: tuple[str, ...] = ("normal", "reduce")
    searchable: bool = True
    edges: Sequence[EdgePlace] | None = None
    edge_operations: Mapping[str, Sequence[Sequence[str]]] | None = dataclasses.field(
        default=None, hash=False
    )
    selects_none: bool = False
    output: str = "concat"
    preprocess: tuple[str, str] | None = DARTS_PREPROCESS
    normalized_pooling: bool = True
    macro: Any = "darts"
    kind: str = dataclasses.field(default="convolutional", metadata={"written": "if changed"})

    def __post_init__(self):
        edges = self.edges
        if edges is None:
            edges = [(n, s) for n in range(self.nodes) for s in range(self.inputs + n)]
        self._set("edges", tuple(EdgePlace(*edge) for edge in edges))
        self._set("operations", tuple(self.operations))
        self._set("cell_types", tuple(self.cell_types))
        self._set("preprocess", self.preprocess and tuple(self.preprocess))
        self._check_edges()
        self._check_kind()
        if self.edge_operations is not None:
            self._set("edge_operations", self._check_operations(self.edge_operations))

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def _check_kind(self):
        if self.kind not in OUTPUTS:
            raise UserError(
                f"space {self.name!r}: kind is {self.kind!r}; expected one of {', '.join(OUTPUTS)}"
            )
        if self.output not in OUTPUTS[self.kind]:
            raise UserError(
                f"space {self.name!r}: output is {self.output!r}; expected one of "
                f"{', '.join(OUTPUTS[self.kind])}, those of {self.kind} cells"
            )
        if self.kind != "convolutional" and (self.inputs != 1 or self.preprocess):
            raise UserError(
                f"space {self.name!r}: inputs is {self.inputs} and preprocess {self.preprocess}; "
                "recurrent cells have inputs=1, the state made of x_t and h_(t-1), and "
                "preprocess=None"
            )
        if self.kind == "two_input" and any(edge.node != edge.source for edge in self.edges):
            raise UserError(
                f"space {self.name!r}: two-input cells are chains, each node with one edge, from "
                f"the node before; got the edges {[tuple(edge) for edge in self.edges]}"
            )

    def _check_edges(self):
        for edge in self.edges:
            if not (0 <= edge.node < self.nodes and 0 <= edge.source < self.inputs + edge.node):
                raise UserError(
                    f"space {self.name!r}: edges holds {tuple(edge)}, which does not exist: the "
                    f"first number counts the intermediate nodes, 0 to {self.nodes - 1}, and after "
                    f"an n comes the node that the edge comes from, 0 to n + {self.inputs - 1}"
                )
        if list(self.edges) != sorted(set(self.edges)):
            raise UserError(
                f"space {self.name!r}: edges must be different and ordered by node and source"
            )
        lonely = set(range(self.nodes)) - {edge.node for edge in self.edges}
        if lonely:
            raise UserError(
                f"space {self.name!r}: no edge leads to node {self.inputs + min(lonely)}, the "
                f"intermediate node {min(lonely)} of `edges`"
            )

    def _check_operations(self, given) -> dict[str, tuple[tuple[str, ...], ...]]:
        if set(given) != set(self.cell_types):
            raise UserError(
                f"space {self.name!r}: edge_operations has the cell types {list(given)}; expected "
                f"{list(self.cell_types)}"
            )
        for cell_type, edges in given.items():
            place = f"space {self.name!r}: edge_operations[{cell_type!r}]"
            if len(edges) != len(self.edges):
                raise UserError(f"{place} has {len(edges)} edges; expected {len(self.edges)}")
            for e, names in enumerate(edges):
                unknown = [name for name in names if name not in self.operations]
                if unknown or not names:
                    raise UserError(
                        f"{place}[{e}] is {list(names)}; expected some of "
                        + ", ".join(self.operations)
                    )
        # In the order of `operations`, so that equal sets are equal values.
        return {
            cell_type: tuple(tuple(x for x in self.operations if x in names) for names in edges)
            for cell_type, edges in given.items()
        }

    def edges_into(self, node: int) -> tuple[int, ...]:
        """Indices, in `edges`, of the edges that lead to `node`."""
        return tuple(i for i, edge in enumerate(self.edges) if edge.node == node)

    def operations_on(self, cell_type: str) -> tuple[tuple[str, ...], ...]:
        """The candidates of every edge of a cell type, each in the order of `operations`."""
        if self.edge_operations is None:
            return (self.operations,) * len(self.edges)
        return self.edge_operations[cell_type]

    def mask(self, cell_type: str) -> np.ndarray:
        """`[edges, operations]`, True where the operation is a candidate of the edge."""
        return np.array(
            [[name in names for name in self.operations] for names in self.operations_on(cell_type)]
        )

    def choosable(self, cell_type: str, none: bool | None = None) -> np.ndarray:
        """`[edges, operations]`, True where the derived cell may hold the operation on the edge.

        Args:
            cell_type: one of the space's.
            none: whether `none` is among them; default: `selects_none`.
        """
        none = self.selects_none if none is None else none
        return self.mask(cell_type) & (none | (np.array(self.operations) != "none"))

    def choosable_on(self, cell_type: str) -> tuple[tuple[str, ...], ...]:
        """The names of what `choosable` says for every edge, in the order of `operations`."""
        return tuple(
            tuple(name for name, may in zip(self.operations, row, strict=True) if may)
            for row in self.choosable(cell_type)
        )

    def cell_type_of(self, reduction: bool) -> str:
        """The cell type of a reduction cell, or of another one.

        Raises:
            UserError: there are no reduction cells.
        """
        if reduction and len(self.cell_types) < 2:
            raise UserError(
                f"the space {self.name!r} has the cell type {self.cell_types[0]} alone, and its "
                f"macro network {self.macro!r} has reduction cells; choose another macro network"
            )
        return self.cell_types[1 if reduction else 0]

    def restrict(self, edge_operations: Mapping[str, Sequence[Sequence[str]]]) -> "Space":
        """The same space, of the same name, with other candidates on its edges.

        Args:
            edge_operations: cell type -> for every edge the names of its candidates.

        Raises:
            UserError: it does not fit the space.
        """
        return dataclasses.replace(self, edge_operations=edge_operations)

    @property
    def concat(self) -> tuple[int, ...]:
        """The numbers of the nodes whose concatenation, or mean, is a cell's output."""
        states = tuple(range(self.inputs, self.inputs + self.nodes))
        return states[-1:] if self.output == "last" else states
