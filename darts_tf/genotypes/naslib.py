"""NAS-Bench-201's cells as NASLib writes them: six numbers of operations.

NASLib (automl/NASLib, `naslib/search_spaces/nasbench201/conversions.py`) orders operations and
edges otherwise than the benchmark: the edges by the node that they come from,
`((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))` with the input as node 1, and the operations as
below. Six *names* are in NASLib's order where they are NASLib's (`ReLUConvBN3x3`), and in the
benchmark's where they are the benchmark's (`nor_conv_3x3`).
"""

from darts_tf.common.errors import UserError
from darts_tf.genotypes import forms, nas_bench_201
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import NAS_BENCH_201

#: NASLib's names and the benchmark's, in the order of NASLib's numbers.
OPERATIONS = {
    "Identity": "skip_connect",
    "Zero": "none",
    "ReLUConvBN3x3": "nor_conv_3x3",
    "ReLUConvBN1x1": "nor_conv_1x1",
    "AvgPool1x1": "avg_pool_3x3",
}
#: Places of NASLib's edges among ours.
EDGES = sorted(
    range(len(NAS_BENCH_201.edges)),
    key=lambda e: (NAS_BENCH_201.edges[e].source, NAS_BENCH_201.edges[e].node),
)


def read(value, space=None) -> Genotype | None:
    """The genotype of six numbers or names of operations; None for another value."""
    if not isinstance(value, list | tuple) or len(value) != len(EDGES):
        return None
    if all(isinstance(name, str) for name in value):
        if not set(value) & {*OPERATIONS}:
            return nas_bench_201.from_operations(value)
        names = [OPERATIONS.get(name, name) for name in value]
    elif all(type(number) is int for number in value):
        known = list(OPERATIONS.values())
        if not all(0 <= number < len(known) for number in value):
            raise UserError(
                f"{tuple(value)!r:.60} are no operations of NASLib's NAS-Bench-201, which are "
                + ", ".join(f"{k} {name}" for k, name in enumerate(OPERATIONS))
            )
        names = [known[number] for number in value]
    else:
        return None
    ours = dict(zip(EDGES, names, strict=True))
    return nas_bench_201.from_operations([ours[e] for e in range(len(EDGES))])


def _write(genotype: Genotype) -> str:
    operations = nas_bench_201.operations_of(genotype)
    known = list(OPERATIONS.values())
    return repr(tuple(known.index(operations[e]) for e in EDGES))


forms.FORMS.register("naslib", forms.Form(_write, read))
