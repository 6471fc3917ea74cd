"""Limits of what a network may cost, and the cheapest network of a space."""

import dataclasses
from collections.abc import Callable, Mapping

from darts_tf import macros, spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost
from darts_tf.genotypes import CellGenotype, Edge, Genotype

#: Field of `Constraints` -> the cost that it limits, in words.
_WORDS = {
    "parameters": "weights",
    "multiply_adds": "multiply-adds an image",
    "latency_ms": "ms an image on this machine",
}
#: Field -> the flag, for messages.
_FLAGS = {
    "parameters": "--max_parameters",
    "multiply_adds": "--max_flops",
    "latency_ms": "--max_latency_ms",
}
#: Operations that cost nothing, the quickest first.
_FREE = ("none", "skip_connect")


@dataclasses.dataclass(frozen=True)
class Constraints:
    """The largest costs of a network that is found; None for any.

    Attributes:
        parameters: trained weights.
        multiply_adds: of an image.
        latency_ms: milliseconds of one image by itself, measured on this machine.

    Raises:
        UserError: a limit is no number above 0.
    """

    parameters: int | None = None
    multiply_adds: int | None = None
    latency_ms: float | None = None

    def __post_init__(self):
        for name, limit in vars(self).items():
            if limit is not None and not 0 < limit < float("inf"):
                raise UserError(f"{_FLAGS[name]}={limit}: expected a number above 0")

    def broken(self, costs: Mapping[str, float]) -> str | None:
        """The name of the first limit that costs are above; costs that are not there meet it."""
        for name, limit in vars(self).items():
            if limit is not None and costs.get(name, 0) > limit:
                return name
        return None

    def refuse(self, costs: Mapping[str, float]) -> None:
        """Refuses limits that not even the cheapest network meets.

        Args:
            costs: of it.

        Raises:
            UserError: names the limit and the cost.
        """
        if name := self.broken(costs):
            limit, least = getattr(self, name), costs[name]
            raise UserError(
                f"{_FLAGS[name]}={limit:,} is impossible: the cheapest network of this space and "
                f"size has {least:,} {_WORDS[name]}; allow as many, or give fewer --channels or "
                "--cells"
            )


class CountedCosts:
    """The weights and multiply-adds of all networks of a space, without building them.

    They are sums over the operations of the cells, so one table of each is enough.

    Args:
        space: the space, or its name.
        size: input shape, number of classes, channels and cells; see `expected_cost.table`.
        stem: of the networks. Default: the space's.
    """

    def __init__(self, space, *size, stem: str | None = None):
        self._space = counted = spaces.get(space)
        if stem is not None:
            counted = dataclasses.replace(counted, macro=macros.with_stem(counted.macro, stem))
        self._tables = {
            name: expected_cost.table(counted, *size, measure=measure)
            for name, measure in (
                ("parameters", expected_cost.measure_parameters),
                ("multiply_adds", expected_cost.measure_flops),
            )
        }

    def __call__(self, genotype: Genotype) -> dict[str, int]:
        """`parameters` and `multiply_adds` of a genotype's network."""
        return {name: round(self._sum(table, genotype)) for name, table in self._tables.items()}

    def _sum(self, table, genotype) -> float:
        return table.fixed + sum(
            table.operations[cell_type][self._edge(node, edge.source), self._operation(edge)]
            for cell_type, cell in genotype.cells.items()
            for node, edges in enumerate(cell.nodes)
            for edge in edges
        )

    def of_all_operations(self) -> dict[str, int]:
        """The same of a supernet, in which every edge has all its operations."""
        masks = {name: self._space.mask(name) for name in self._space.cell_types}

        def total(table) -> int:
            cells = table.operations.items()
            return round(table.fixed + sum((masks[name] * costs).sum() for name, costs in cells))

        return {name: total(table) for name, table in self._tables.items()}

    def cheapest(self, by: str = "multiply_adds") -> Genotype:
        """The genotype with the smallest cost of that name, of equals the one with the other."""
        other = next(name for name in self._tables if name != by)

        def cost(cell_type: str, e: int, operation: str):
            place = e, self._space.operations.index(operation)
            costs = (self._tables[x].operations[cell_type][place] for x in (by, other))
            # Of those that cost nothing, what takes the least time; a pooling takes more.
            free = _FREE.index(operation) if operation in _FREE else len(_FREE)
            return *costs, free

        return _cheapest(self._space, cost)

    def _edge(self, node, source) -> int:
        return self._space.edges.index((node, source))

    def _operation(self, edge) -> int:
        return self._space.operations.index(edge.operation)


def _cheapest(space: spaces.Space, cost: Callable) -> Genotype:
    """The genotype whose operations, one by one, are the cheapest that there are.

    Args:
        space: the space.
        cost: (cell type, number of an edge, name of an operation) -> what is compared.
    """
    cells = {}
    for cell_type in space.cell_types:
        names, nodes = space.choosable_on(cell_type), []
        for node in range(space.nodes):
            best = sorted(
                min((cost(cell_type, e, name), e, name) for name in names[e])
                for e in space.edges_into(node)
                if names[e]
            )
            kept = sorted(best[: space.edges_per_node], key=lambda one: one[1])
            nodes.append(tuple(Edge(name, space.edges[e].source) for _, e, name in kept))
        cells[cell_type] = CellGenotype(tuple(nodes), space.concat)
    return Genotype(space, cells)
