import re

import numpy as np
import pytest

from darts_tf import selections, spaces
from darts_tf.selections import every_edge
from tests.selections.cells import SPACE, cell, weights


def test_every_edge_that_is_not_none():
    values = np.full((14, 8), 0.1)
    values[:, 4] = 0.3
    values[[1, 5, 7, 8, 9], 0] = 0.4
    nodes, concat = cell(every_edge, values)
    assert [[source for _, source in node] for node in nodes] == [[0], [0, 1, 2], [1], [1, 2, 3, 4]]
    assert {name for node in nodes for name, _ in node} == {"sep_conv_3x3"}
    assert concat == (2, 3, 4, 5)


def test_a_node_without_edges_takes_no_part():
    """Nothing leads to node 3; what leaves it is dropped, so node 5 is lost too."""
    values = np.full((14, 8), 0.1)
    values[:, 4] = 0.3
    values[[2, 3, 4, 9, 10, 11, 13], 0] = 0.4
    nodes, concat = cell(every_edge, values)
    assert [[source for _, source in node] for node in nodes] == [[0, 1], [], [0, 1, 2], []]
    assert concat == (2, 4)


def test_a_cell_needs_an_output():
    values = weights((2, 1, "skip_connect", 0.2), (2, 3, "skip_connect", 0.25))
    values[:, 0] = 0.9
    edge = re.escape("on the edge from node 1 (c_{k-1}) to node 4")
    with pytest.warns(UserWarning, match=f"kept the strongest that does, skip_connect {edge}"):
        nodes, concat = cell(every_edge, values)
    assert nodes == [[], [], [("skip_connect", 1)], []]
    assert concat == (4,)


def test_only_candidates_are_chosen():
    few = [("none", "skip_connect")] * 14
    space = SPACE.restrict({"normal": few, "reduce": few})
    values = weights((0, 0, "sep_conv_3x3", 0.9), rest=0.1)
    values[:, 3] = 0.2
    found = every_edge(space, {"normal": values, "reduce": values})["normal"]
    assert {edge.operation for edge in found.edges} == {"skip_connect"} and len(found.edges) == 14


def test_none_stays_where_the_space_says_so():
    space = spaces.register(
        spaces.Space(
            "keeps_none_too",
            ("none", "skip_connect"),
            nodes=2,
            inputs=1,
            cell_types=("normal",),
            edges_per_node=None,
            selects_none=True,
            output="last",
        )
    )
    values = {"normal": np.array([[0.9, 0.1], [0.8, 0.2], [0.5, 0.6]])}
    assert every_edge(space, values) == selections.magnitude(space, values)
