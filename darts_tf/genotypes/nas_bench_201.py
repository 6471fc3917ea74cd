"""The strings of NAS-Bench-201, both ways.

`|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|` is
the cell whose node 1 is the 3x3 convolution of node 0 (the cell's input), and so on; node 3 is the
output (Dong, Yang, ICLR 2020, section 2.1). Every edge is there, perhaps with `none`.

The benchmark's index of an architecture is its place among all 15,625, which the authors shuffled
with a seed that they kept (`generate_meta_info` of D-X-Y/AutoDL-Projects).
"""

import functools
import itertools
import random
import re
from collections.abc import Sequence

from darts_tf.common.errors import UserError
from darts_tf.genotypes import forms
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import NAS_BENCH_201

_EXAMPLE = "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"


def from_operations(operations: Sequence[str]) -> Genotype:
    """The genotype with these six operations, in the order of the space's edges.

    Raises:
        UserError: there are not six, or one is unknown.
    """
    if len(operations) != len(NAS_BENCH_201.edges):
        raise UserError(
            f"a NAS-Bench-201 cell has {len(NAS_BENCH_201.edges)} operations, got {len(operations)}"
        )
    nodes = [
        [Edge(operations[e], NAS_BENCH_201.edges[e].source) for e in NAS_BENCH_201.edges_into(node)]
        for node in range(NAS_BENCH_201.nodes)
    ]
    cell = CellGenotype(nodes, NAS_BENCH_201.concat)
    return Genotype(NAS_BENCH_201.name, {"normal": cell})


def operations_of(genotype: Genotype) -> tuple[str, ...]:
    """The six operations, in the order of the space's edges: the inverse of `from_operations`.

    Raises:
        UserError: the genotype is of another space, or an edge is missing or there twice.
    """
    if genotype.space != NAS_BENCH_201.name:
        raise UserError(
            f"a cell of the space {genotype.space!r} is not in NAS-Bench-201; search with "
            f"--space={NAS_BENCH_201.name}"
        )
    nodes = genotype["normal"].nodes
    found = {(n, edge.source): edge.operation for n, node in enumerate(nodes) for edge in node}
    if len(genotype["normal"].edges) != len(NAS_BENCH_201.edges) or len(found) != len(
        NAS_BENCH_201.edges
    ):
        raise UserError(
            "a NAS-Bench-201 cell has each of its six edges once (with the operation none where "
            f"nothing flows), got {[tuple(edge) for edge in genotype['normal'].edges]}"
        )
    return tuple(found[edge] for edge in NAS_BENCH_201.edges)


def to_string(genotype: Genotype) -> str:
    """The benchmark's string of a genotype.

    Raises:
        UserError: the genotype is no NAS-Bench-201 cell.
    """
    names = operations_of(genotype)
    return "+".join(
        "|" + "".join(f"{names[e]}~{NAS_BENCH_201.edges[e].source}|" for e in into)
        for into in map(NAS_BENCH_201.edges_into, range(NAS_BENCH_201.nodes))
    )


def from_string(string: str) -> Genotype:
    """The genotype of a benchmark's string.

    Raises:
        UserError: it is no such string, or an operation is unknown.
    """
    found_edges = re.findall(r"([^|+~]+)~(\d)", string)
    genotype = None
    if [int(source) for _, source in found_edges] == [edge.source for edge in NAS_BENCH_201.edges]:
        genotype = from_operations([name for name, _ in found_edges])
    if genotype is None or to_string(genotype) != string:
        raise UserError(f"{string!r:.120} is no NAS-Bench-201 cell; expected {_EXAMPLE}")
    return genotype


_SHUFFLING_SEED = 88


@functools.cache
def _in_order_of_index() -> tuple[tuple[str, ...], ...]:
    every = list(itertools.product(NAS_BENCH_201.operations, repeat=len(NAS_BENCH_201.edges)))
    random.Random(_SHUFFLING_SEED).shuffle(every)
    return tuple(every)


@functools.cache
def _indices() -> dict[tuple[str, ...], int]:
    return {operations: index for index, operations in enumerate(_in_order_of_index())}


def from_index(index: int) -> Genotype:
    """The architecture of an index of the benchmark.

    Args:
        index: from 0 to 15,624.

    Raises:
        UserError: there is none of that index.
    """
    every = _in_order_of_index()
    if not 0 <= index < len(every):
        raise UserError(
            f"NAS-Bench-201 has the architectures 0 to {len(every) - 1}, got the index {index}"
        )
    return from_operations(every[index])


def index_of(genotype: Genotype) -> int:
    """The benchmark's index of an architecture: the inverse of `from_index`.

    Raises:
        UserError: the genotype is no NAS-Bench-201 cell.
    """
    return _indices()[operations_of(genotype)]


def _read_string(value, space) -> Genotype | None:
    return from_string(value) if isinstance(value, str) and value.startswith("|") else None


def _read_index(value, space) -> Genotype | None:
    return from_index(value) if type(value) is int else None


forms.FORMS.register("nas-bench-201", forms.Form(to_string, _read_string))
forms.FORMS.register(
    "nas-bench-201-index", forms.Form(lambda genotype: str(index_of(genotype)), _read_index)
)
