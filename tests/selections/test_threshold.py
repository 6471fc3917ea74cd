import numpy as np
import pytest

from darts_tf.selections import threshold, threshold_edge
from tests.selections.cells import cell, weights

CHOSEN = [
    (0, 0, "sep_conv_3x3", 0.95),
    (0, 0, "skip_connect", 0.94),
    (0, 1, "max_pool_3x3", 0.86),
    (1, 0, "max_pool_3x3", 0.84),
    (1, 2, "skip_connect", 0.85),
    (2, 0, "dil_conv_5x5", 0.91),
    (2, 1, "dil_conv_3x3", 0.92),
    (2, 3, "dil_conv_3x3", 0.93),
    (3, 4, "avg_pool_3x3", 0.5),
]


def test_the_strongest_two_edges_that_reach_it():
    nodes, concat = cell(threshold, weights(*CHOSEN))
    assert nodes == [
        [("sep_conv_3x3", 0), ("max_pool_3x3", 1)],
        [("skip_connect", 2)],
        [("dil_conv_3x3", 1), ("dil_conv_3x3", 3)],
        [],
    ]
    assert concat == (2, 3, 4)


def test_another_threshold():
    nodes, concat = cell(threshold, weights(*CHOSEN), least=0.925)
    assert nodes == [[("sep_conv_3x3", 0)], [], [], []]  # The source of (3, 0.93) is isolated.
    assert concat == (2,)


def test_all_edges_with_up_to_two_operations():
    nodes, _ = cell(threshold_edge, weights(*CHOSEN))
    assert nodes == [
        [("skip_connect", 0), ("sep_conv_3x3", 0), ("max_pool_3x3", 1)],
        [("skip_connect", 2)],
        [("dil_conv_5x5", 0), ("dil_conv_3x3", 1), ("dil_conv_3x3", 3)],
        [],
    ]


def test_none_is_never_chosen():
    values = weights(*CHOSEN)
    expected = cell(threshold, values)
    values[:, 0] = 0.99
    assert cell(threshold, values) == expected


def test_nothing_reaches_it():
    values = weights((1, 1, "sep_conv_5x5", 0.6), (1, 2, "sep_conv_5x5", 0.7))
    with pytest.warns(UserWarning, match="normal cell: no operation that was selected connects"):
        nodes, concat = cell(threshold, values)
    assert nodes == [[], [("sep_conv_5x5", 1)], [], []] and concat == (3,)


def test_many_random_cells_have_no_loose_ends():
    rng = np.random.default_rng(0)
    for _ in range(50):
        nodes, concat = cell(threshold, 0.5 + 0.42 * rng.random((14, 8)))
        alive = {0, 1} | {2 + i for i, node in enumerate(nodes) if node}
        assert concat == tuple(sorted(alive - {0, 1}))
        assert all(source in alive for node in nodes for _, source in node)
