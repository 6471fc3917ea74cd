import math

import pytest

from darts_tf import genotypes, spaces
from darts_tf.budget.prediction import Features
from darts_tf.budget.ways import ways
from darts_tf.genotypes import CellGenotype, Edge, Genotype

BENCH = spaces.NAS_BENCH_201


def bench(*names) -> CellGenotype:
    """A cell of NAS-Bench-201 by the operations from 0 to 1, 0 to 2, 1 to 2, 0 to 3 and so on."""
    operations = {
        "-": "none",
        "s": "skip_connect",
        "p": "avg_pool_3x3",
        "1": "nor_conv_1x1",
        "3": "nor_conv_3x3",
    }
    left = iter("".join(names))
    nodes = tuple(
        tuple(Edge(operations[next(left)], source) for source in range(node + 1))
        for node in range(3)
    )
    return CellGenotype(nodes, BENCH.concat)


def test_the_residual_cell():
    cell = genotypes.get("NAS_BENCH_201_RESNET")["normal"]
    assert cell == bench("3", "-3", "s-s")
    # Past the two convolutions, and through both.
    assert ways(BENCH, cell) == [math.sqrt(2), 2, 0, 1, 0, 0, 1, 1]


def test_poolings_and_nothing():
    # 0-1-3 has a convolution and a pooling, 0-2-3 a pooling, 0-1-2-3 leads through `none`.
    cell = bench("1", "p-", "-ps")
    assert ways(BENCH, cell) == [math.sqrt(2), 1, 0, 0.5, 1, 1, 0, 0]


def test_all_ways():
    cell = bench("3", "33", "333")
    # Of one, two, two and three convolutions.
    assert ways(BENCH, cell) == [2, 3, 1, 2, 0, 0, 0, 2]


@pytest.mark.parametrize("cell", [bench("-", "--", "---"), bench("3", "33", "---")])
def test_no_way(cell):
    assert ways(BENCH, cell) == [0, 0, 0, 0, 3, 3, 0, 0]


def test_a_concatenation_of_all_nodes_of_two_inputs():
    operations = "sep_conv_3x3", "max_pool_3x3", "skip_connect"
    space = spaces.Space(name="two nodes", operations=operations, nodes=2)
    nodes = (
        (Edge("sep_conv_3x3", 0), Edge("skip_connect", 1)),
        (Edge("max_pool_3x3", 1), Edge("sep_conv_3x3", 2)),
    )
    # Node 2: (1, 0), (0, 0); node 3: (0, 1), and (2, 0) and (1, 0) by way of node 2.
    found = ways(space, CellGenotype(nodes, space.concat))
    assert found == pytest.approx([math.sqrt(5), 2, 0, 4 / 5, 0, 1 / 5, 1, math.sqrt(3)])


def test_the_model_sees_them():
    features = Features(BENCH, lambda genotype: {"parameters": 1})
    # The same operations, in series and side by side.
    cells = bench("3", "s3", "---"), bench("3", "s-", "--3")
    found = features([Genotype(BENCH, {"normal": cell}) for cell in cells])
    for row, cell in zip(found, cells, strict=True):
        assert list(row[-9:-1]) == ways(BENCH, cell)
