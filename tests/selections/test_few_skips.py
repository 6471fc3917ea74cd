import numpy as np
import pytest

from darts_tf import spaces
from darts_tf.selections import few_skips, magnitude
from tests.selections.cells import SPACE, cell, weights

SKIP = SPACE.operations.index("skip_connect")


def count(nodes):
    return sum(name == "skip_connect" for node in nodes for name, _ in node)


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_never_more_than_allowed(most):
    rng = np.random.default_rng(1)
    for _ in range(30):
        values = rng.random((14, 8))
        values[:, SKIP] += 0.5
        values /= 1.5
        nodes, _ = cell(few_skips, values, most=most)
        assert count(nodes) <= most
        assert all(name != "none" for node in nodes for name, _ in node)
        assert [len(node) for node in nodes] == [2] * 4


def test_a_cell_within_the_limit_is_that_of_magnitude():
    values = np.random.default_rng(2).random((14, 8))
    values[:, SKIP] = 0
    assert cell(few_skips, values) == cell(magnitude, values)


def test_the_weakest_skip_goes_first_and_its_edge_may_lose_its_place():
    values = weights(
        (0, 0, "skip_connect", 0.9),
        (0, 1, "skip_connect", 0.8),
        (0, 1, "sep_conv_5x5", 0.3),
        (1, 0, "skip_connect", 0.5),
        (1, 1, "sep_conv_3x3", 0.4),
        (1, 2, "sep_conv_3x3", 0.45),
    )
    assert count(cell(magnitude, values)[0]) == 3
    nodes, _ = cell(few_skips, values)
    assert nodes[0] == [("skip_connect", 0), ("skip_connect", 1)]
    assert nodes[1] == [("sep_conv_3x3", 1), ("sep_conv_3x3", 2)]
    nodes, _ = cell(few_skips, values, most=1)
    assert nodes[0] == [("skip_connect", 0), ("sep_conv_5x5", 1)]


def test_the_reduction_cell_is_not_limited():
    values = np.full((14, 8), 0.1)
    values[:, SKIP] = 0.9
    found = few_skips(SPACE, {"normal": values, "reduce": values})
    assert count(found["reduce"].nodes) == 8 and count(found["normal"].nodes) == 2


def test_an_edge_with_nothing_else_keeps_its_skip():
    only = [("skip_connect",)] * 14
    space = SPACE.restrict({"normal": only, "reduce": only})
    values = np.full((14, 8), 0.5)
    found = few_skips(space, {"normal": values, "reduce": values})
    assert count(found["normal"].nodes) == 8


def test_a_space_without_skip_connections_has_nothing_to_limit():
    space = spaces.get("s4")
    rows = np.random.default_rng(3).random((14, 2))
    found = few_skips(space, {"normal": rows, "reduce": rows})
    assert found == magnitude(space, {"normal": rows, "reduce": rows})
