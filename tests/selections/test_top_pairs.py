import numpy as np

from darts_tf import spaces
from darts_tf.selections import top_pairs
from tests.selections.cells import cell, weights

CHOSEN = [
    (0, 0, "sep_conv_3x3", 0.7),
    (0, 0, "skip_connect", 0.6),
    (1, 1, "max_pool_3x3", 0.5),
    (1, 2, "max_pool_3x3", 0.4),
    (2, 3, "dil_conv_5x5", 0.3),
    (2, 3, "dil_conv_3x3", 0.4),
    (3, 4, "avg_pool_3x3", 0.2),
    (3, 0, "avg_pool_3x3", 0.2),
]


def test_two_pairs_a_node_on_one_edge_or_on_two():
    nodes, concat = cell(top_pairs, weights(*CHOSEN))
    assert nodes == [
        [("skip_connect", 0), ("sep_conv_3x3", 0)],
        [("max_pool_3x3", 1), ("max_pool_3x3", 2)],
        [("dil_conv_3x3", 3), ("dil_conv_5x5", 3)],
        [("avg_pool_3x3", 0), ("avg_pool_3x3", 4)],
    ]
    assert concat == (2, 3, 4, 5)


def test_number_of_pairs():
    assert cell(top_pairs, weights(*CHOSEN), pairs=1)[0] == [
        [("sep_conv_3x3", 0)],
        [("max_pool_3x3", 1)],
        [("dil_conv_3x3", 3)],
        [("avg_pool_3x3", 0)],  # A tie goes to the lower source.
    ]
    assert [len(node) for node in cell(top_pairs, weights(*CHOSEN), pairs=5)[0]] == [5] * 4


def test_none_is_never_chosen():
    values = weights(*CHOSEN)
    before = cell(top_pairs, values)
    values[:, 0] = 1.0
    assert cell(top_pairs, values) == before


def test_a_space_that_keeps_every_edge_keeps_one_operation_of_each():
    """As GDAS does in NAS-Bench-201, `none` included."""
    space = spaces.get("nas_bench_201")
    values = np.random.default_rng(0).uniform(size=(6, 5))
    values[2] = 0.9, 0.8, 0.7, 0.6, 0.5
    genotype = top_pairs(space, {"normal": values})
    got = [edge.operation for edge in genotype["normal"].edges]
    assert got == [space.operations[k] for k in values.argmax(-1)]
    assert got[2] == "none"
