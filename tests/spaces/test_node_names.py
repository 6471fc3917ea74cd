import pytest

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
