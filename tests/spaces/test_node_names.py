import pytest

from darts_tf import spaces
from darts_tf.spaces import node_names


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (1, ["node 0 (c_{k-1})", "node 1", "node 2"]),
        (2, ["node 0 (c_{k-2})", "node 1 (c_{k-1})", "node 2"]),
        (3, ["node 0 (c_{k-3})", "node 1 (c_{k-2})", "node 2 (c_{k-1})"]),
    ],
)
def test_nodes(inputs, expected):
    assert [node_names.node_name(node, inputs) for node in range(3)] == expected


def test_legend():
    assert node_names.legend(3) == (
        "node 0 is c_{k-3}, the output of the cell 3 before; node 1 is c_{k-2}, the output of the "
        "cell before the previous one; node 2 is c_{k-1}, the output of the previous cell (of the "
        "stem where there is none); c_k is the cell's own output"
    )


def test_cells():
    assert node_names.cell_name("reduce") == "Reduction cell"
    assert node_names.cell_name("upsample") == "Cell: upsample"


def test_a_cell_on_one_line():
    nodes = [[("skip_connect", 0), ("sep_conv_3x3", 1)], [], [("none", 2)]]
    assert node_names.cell_text(nodes, [2, 4], 2) == (
        "node 2 = skip_connect(0) + sep_conv_3x3(1), node 4 = none(2), "
        "c_k = nodes 2, 4, concatenated"
    )
    assert node_names.cell_text([[("skip_connect", 0)]], (1,), 1) == (
        "node 1 = skip_connect(0), c_k = node 1"
    )


def test_edges():
    place = spaces.EdgePlace(1, 0)
    assert node_names.edge_text(*place, 2) == "the edge from node 0 (c_{k-2}) to node 3"
    assert node_names.edge_text(2, 2, 1) == "the edge from node 2 to node 3"


class TestRecurrent:
    def test_nodes(self):
        assert node_names.node_name(0, 1, "recurrent") == "node 0 (x_t, h_{t-1})"
        assert node_names.node_name(1, 1, "recurrent") == "node 1"
        assert node_names.edge_text(1, 0, 1, "recurrent") == (
            "the edge from node 0 (x_t, h_{t-1}) to node 2"
        )

    def test_legend(self):
        assert node_names.legend(1, "recurrent") == (
            "node 0 is the state made of x_t, what the cell reads at the step t, and h_{t-1}, its "
            "output at the step before; h_t is the cell's output"
        )

    def test_a_cell_on_one_line(self):
        nodes = [[("sigmoid", 0)], [("relu", 1)]]
        assert node_names.cell_text(nodes, [1, 2], 1, "recurrent") == (
            "node 1 = sigmoid(0), node 2 = relu(1), h_t = the mean of nodes 1, 2"
        )
        assert node_names.cell_text(nodes, [2], 1, "recurrent").endswith("h_t = node 2")
        assert node_names.cell_name("recurrent") == "Recurrent cell"
