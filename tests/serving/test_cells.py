import pytest

from darts_tf import genotypes
from darts_tf.genotypes import nas_bench_201
from darts_tf.serving import cells
from tests.serving import tiny_network


def test_a_cell_with_two_inputs():
    found = cells.describe(tiny_network.GENOTYPE)
    assert found == {
        "legend": "node 0 is c_{k-2}, the output of the cell before the previous one; node 1 is "
        "c_{k-1}, the output of the previous cell (of the stem where there is none); c_k is the "
        "cell's own output",
        "cells": [
            {
                "title": "Normal cell",
                "nodes": [
                    {
                        "name": "node 2",
                        "edges": [
                            "skip_connect from node 0 (c_{k-2})",
                            "skip_connect from node 1 (c_{k-1})",
                        ],
                    }
                ],
                "output": "node 2",
            }
        ],
    }


def test_a_published_cell():
    found = cells.describe(genotypes.get("DARTS_V2").to_dict())["cells"]
    assert [cell["title"] for cell in found] == ["Normal cell", "Reduction cell"]
    assert [node["name"] for node in found[0]["nodes"]] == ["node 2", "node 3", "node 4", "node 5"]
    assert found[0]["output"] == "nodes 2, 3, 4, 5, concatenated"


def test_a_cell_with_one_input_has_the_numbers_of_its_string():
    string = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    found = cells.describe(nas_bench_201.from_string(string).to_dict())
    assert found["legend"].startswith("node 0 is c_{k-1}, the output of the previous cell (")
    (cell,) = found["cells"]
    assert [node["name"] for node in cell["nodes"]] == ["node 1", "node 2", "node 3"]
    assert [node["edges"] for node in cell["nodes"]] == [
        ["nor_conv_3x3 from node 0 (c_{k-1})"],
        ["none from node 0 (c_{k-1})", "avg_pool_3x3 from node 1"],
        [
            "skip_connect from node 0 (c_{k-1})",
            "nor_conv_1x1 from node 1",
            "none from node 2",
        ],
    ]
    assert cell["output"] == "node 3"


def own(inputs, *nodes, concat):
    """A genotype of a space that the server does not know."""
    cell = {"nodes": [list(map(list, node)) for node in nodes], "concat": concat}
    return {"schema_version": 1, "space": f"unknown {inputs}", "cells": {"up": cell}}


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_a_space_of_somebodys_own(inputs):
    """The output and the edges say how many inputs there are, whatever node is left out."""
    nodes = [[("conv", 0)], [], [("conv", inputs), ("skip_connect", inputs - 1)], []]
    found = cells.describe(own(inputs, *nodes, concat=[inputs, inputs + 2]))
    (cell,) = found["cells"]
    assert cell["title"] == "Cell: up"
    assert [node["name"] for node in cell["nodes"]] == [f"node {inputs + i}" for i in range(4)]
    assert cell["nodes"][1]["edges"] == []
    assert cell["nodes"][2]["edges"] == [
        f"conv from node {inputs}",
        f"skip_connect from node {inputs - 1} (c_{{k-1}})",
    ]
    assert cell["output"] == f"nodes {inputs}, {inputs + 2}, concatenated"


@pytest.mark.parametrize(
    "genotype",
    [
        None,
        [],
        {},
        {"space": "darts_cnn", "cells": {}},
        {"space": "darts_cnn", "cells": {"normal": {"nodes": 3, "concat": [2]}}},
        {"space": "darts_cnn", "cells": {"normal": {"nodes": [[["skip"]]], "concat": [2]}}},
        {"space": ["darts_cnn"], "cells": {"normal": {"nodes": [], "concat": [2]}}},
        own(1, [("conv", 5)], concat=[1]),
        own(1, [], concat=[1]),
        own(1, [("conv", 0)], concat=[]),
        own(1, [("conv", 0)], concat=[0]),
    ],
)
def test_what_is_no_genotype_is_left_out(genotype):
    assert cells.describe(genotype) is None


def test_a_recurrent_cell():
    found = cells.describe(genotypes.get("RNN_DARTS_V2").to_dict())
    assert found["legend"].startswith("node 0 is the state made of x_t")
    (cell,) = found["cells"]
    assert cell["title"] == "Recurrent cell"
    assert cell["nodes"][0] == {
        "name": "node 1",
        "edges": ["sigmoid from node 0 (x_t, h_{t-1})"],
    }
    assert cell["output"] == "the mean of nodes 1, 2, 3, 4, 5, 6, 7, 8"
