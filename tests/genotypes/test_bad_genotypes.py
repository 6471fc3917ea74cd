"""Genotypes that are refused, each with the place of what is wrong in it."""

import json
import pathlib

import pytest

from darts_tf.common.errors import UserError
from darts_tf.genotypes import Genotype

FIXTURE = pathlib.Path(__file__).parents[1] / "data" / "darts_v2.json"


def put(*keys_and_value):
    """A change that puts a value at a place of the nested JSON data."""
    *keys, last, value = keys_and_value

    def change(data):
        for key in keys:
            data = data[key]
        data[last] = value

    return change


def remove(*keys):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


NODES = ("cells", "normal", "nodes")

BAD_GENOTYPES = {
    "version missing": (remove("schema_version"), r"schema_version is None, but .* reads 1"),
    "version of the future": (put("schema_version", 2), r"schema_version is 2, but .* reads 1"),
    "space missing": (remove("space"), r"space: expected a string, got None"),
    "space unknown": (
        put("space", "darts_dnn"),
        r"unknown search space 'darts_dnn'; expected one of darts_cnn, nasnet",
    ),
    "space of another size": (
        put("space", "nasnet"),
        r"cells\.normal\.nodes: the space 'nasnet' has 5 nodes, got 4",
    ),
    "key unknown": (put("comment", "mine"), r"the genotype: unknown key 'comment'"),
    "key unknown in a cell": (
        put("cells", "reduce", "stride", 2),
        r"cells\.reduce: unknown key 'stride'; the keys are nodes, concat",
    ),
    "cells missing": (remove("cells"), r"cells: expected an object, got None"),
    "cells a list": (put("cells", []), r"cells: expected an object, got \[\]"),
    "cell missing": (
        remove("cells", "reduce"),
        r"cells: .* has the cell types \['normal', 'reduce'\], got \['normal'\]",
    ),
    "cell too many": (
        put("cells", "upsample", {"nodes": [], "concat": []}),
        r"cells: .* got \['normal', 'reduce', 'upsample'\]",
    ),
    "cell a list": (put("cells", "normal", []), r"cells\.normal: expected an object, got \[\]"),
    "nodes missing": (remove(*NODES), r"cells\.normal\.nodes: expected a list, got None"),
    "nodes too few": (
        remove(*NODES, 3),
        r"cells\.normal\.nodes: the space 'darts_cnn' has 4 nodes, got 3",
    ),
    "node a string": (
        put(*NODES, 1, "none"),
        r"cells\.normal\.nodes\[1\]: expected a list, got 'none'",
    ),
    "node without edges": (
        put(*NODES, 2, []),
        r"cells\.normal\.nodes\[2\]: node 4 needs at least one edge",
    ),
    "edge without input": (
        put(*NODES, 0, 1, ["none"]),
        r"cells\.normal\.nodes\[0\]\[1\]: expected \[operation, source\], got \['none'\]",
    ),
    "edge an object": (
        put(*NODES, 0, 1, {"operation": "none"}),
        r"cells\.normal\.nodes\[0\]\[1\]: expected a list",
    ),
    "operation unknown": (
        put("cells", "reduce", "nodes", 3, 0, 0, "conv_9x9"),
        r"cells\.reduce\.nodes\[3\]\[0\]: unknown operation 'conv_9x9'; "
        r"the space 'darts_cnn' has none, max_pool_3x3, ",
    ),
    "operation of another space": (
        put(*NODES, 0, 0, 0, "sep_conv_7x7"),
        r"cells\.normal\.nodes\[0\]\[0\]: unknown operation 'sep_conv_7x7'",
    ),
    "operation a number": (
        put(*NODES, 0, 0, 0, 4),
        r"cells\.normal\.nodes\[0\]\[0\]: expected a string, got 4",
    ),
    "input of a later node": (
        put(*NODES, 1, 1, 1, 3),
        r"cells\.normal\.nodes\[1\]\[1\]: there is no edge from node 3 to node 3; "
        r"it can take the nodes 0, 1, 2",
    ),
    "input negative": (
        put(*NODES, 0, 1, 1, -1),
        r"cells\.normal\.nodes\[0\]\[1\]: .* from node -1 to node 2; it can take the nodes 0, 1",
    ),
    "input a fraction": (
        put(*NODES, 0, 1, 1, 0.5),
        r"cells\.normal\.nodes\[0\]\[1\]: expected a whole number, got 0\.5",
    ),
    "input a truth value": (
        put(*NODES, 0, 1, 1, True),
        r"cells\.normal\.nodes\[0\]\[1\]: expected a whole number, got True",
    ),
    "concat missing": (
        remove("cells", "normal", "concat"),
        r"cells\.normal\.concat: expected a list, got None",
    ),
    "concat empty": (
        put("cells", "normal", "concat", []),
        r"cells\.normal\.concat: expected different nodes, got \[\]",
    ),
    "concat twice the same": (
        put("cells", "normal", "concat", [2, 2]),
        r"cells\.normal\.concat: expected different nodes, got \[2, 2\]",
    ),
    "concat out of range": (
        put("cells", "reduce", "concat", [2, 6]),
        r"cells\.reduce\.concat: node 6 does not exist; nodes are 0 to 5",
    ),
    "concat a string": (
        put("cells", "normal", "concat", ["2"]),
        r"cells\.normal\.concat: expected a whole number, got '2'",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_GENOTYPES.values(), ids=BAD_GENOTYPES)
def test_a_bad_genotype_is_refused_with_its_place(change, message):
    data = json.loads(FIXTURE.read_text())
    change(data)
    with pytest.raises(UserError, match=message) as caught:
        Genotype.from_dict(data)
    assert "\n" not in str(caught.value)
