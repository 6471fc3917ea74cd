"""All cells of NAS-Bench-201."""

import itertools
from collections.abc import Iterator

from darts_tf.genotypes import Genotype, nas_bench_201
from darts_tf.spaces import NAS_BENCH_201


def all_strings() -> Iterator[str]:
    """All 15,625 strings; the last edge changes first."""
    for names in itertools.product(NAS_BENCH_201.operations, repeat=len(NAS_BENCH_201.edges)):
        yield nas_bench_201.to_string(nas_bench_201.from_operations(names))


def output_is_connected(genotype: Genotype) -> bool:
    """Whether anything of the input reaches the output through edges other than `none`."""
    reached = {0}
    for node, edges in enumerate(genotype["normal"].nodes, start=1):
        if any(edge.operation != "none" and edge.source in reached for edge in edges):
            reached.add(node)
    return NAS_BENCH_201.nodes in reached
