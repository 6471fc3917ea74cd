import itertools

import pytest

from darts_tf import spaces
from darts_tf.budget import equivalence
from darts_tf.genotypes import CellGenotype, Edge, Genotype

SPACE = spaces.get("nas_bench_201")
SHORT = {
    **{"0": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3"},
    "p": "avg_pool_3x3",
}


def key(text):
    """Of a cell that is written as its six operations, node by node."""
    names, nodes = iter(text.replace(" ", "")), []
    for node in range(3):
        nodes.append(tuple(Edge(SHORT[next(names)], source) for source in range(node + 1)))
    return equivalence.key(Genotype(SPACE, {"normal": CellGenotype(tuple(nodes), (3,))}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The pooling of nothing, and what nobody reads.
        ("0 00 30p", "0 00 300"),
        ("3 11 300", "0 00 300"),
        # A skip connection from a node is the node.
        ("3 00 0s0", "0 00 300"),
        ("3 0s 00s", "3 00 0s0"),
        # Poolings of one input are one.
        ("p p0 0ss", "p 0s 0ss"),
        # The order of a sum.
        ("s 1s 030", "s s1 300"),
    ],
)
def test_equal_functions(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 00 300", "0 00 100"),
        # A convolution used twice has the same weights, two convolutions have not.
        ("3 0s 03s", "3 30 03s"),
        ("3 0s 0ss", "3 30 0ss"),
        # The normalisation of a convolution of nothing has an offset.
        ("0 00 33s", "0 00 30s"),
    ],
)
def test_other_functions(one, other):
    assert key(one) != key(other)


def test_cells_of_nas_bench_201():
    every = {key("".join(cell)) for cell in itertools.product(SHORT, repeat=6)}
    # No two of other functions: those by all ways to give a cell's convolutions one of two weights.
    assert len(every) == 5913
