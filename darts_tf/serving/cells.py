"""The cells of a served network in words, for the page."""

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.spaces import node_names


def describe(genotype) -> dict | None:
    """The description of a genotype that the page shows.

    Args:
        genotype: JSON-ready values as `Genotype.to_dict` gives them, or None.

    Returns:
        `legend`, what the inputs and the output are, and `cells`, for each kind of cell its
        `title`, its `nodes` with `name` and `edges`, and its `output`, all of them texts. None if
        there is no genotype, or one of another form.
    """
    try:
        inputs, kind = _inputs(genotype), _kind(genotype)
        cells = [_cell(name, cell, inputs, kind) for name, cell in genotype["cells"].items()]
        return {"legend": node_names.legend(inputs, kind), "cells": cells} if cells else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _inputs(genotype) -> int:
    """How many inputs the cells have.

    A server need not know a space of somebody's own. Its cells' last node is a part of their
    output, which numbers it, and how many nodes there are up to it is in the list.
    """
    try:
        return spaces.get(genotype["space"]).inputs
    except UserError:
        (inputs,) = {
            max(cell["concat"]) - max(i for i, node in enumerate(cell["nodes"]) if node)
            for cell in genotype["cells"].values()
        }
        for cell in genotype["cells"].values():
            for i, node in enumerate(cell["nodes"]):
                if any(source >= inputs + i for _, source in node):
                    raise ValueError("an edge would come from a later node") from None
        if inputs < 1:
            raise ValueError("a cell has an input") from None
        return inputs


def _kind(genotype) -> str:
    """The kind of the cells, see `darts_tf.spaces.Space`; of an unknown space the usual one."""
    try:
        return spaces.get(genotype["space"]).kind
    except UserError:
        return node_names.CONVOLUTIONAL


def _cell(name, cell, inputs, kind) -> dict:
    nodes = [
        {
            "name": node_names.node_name(inputs + i, inputs, kind),
            "edges": [
                f"{operation} from {node_names.node_name(source, inputs, kind)}"
                for operation, source in node
            ],
        }
        for i, node in enumerate(cell["nodes"])
    ]
    output = node_names.output_text(cell["concat"], kind)
    return {"title": node_names.cell_name(name), "nodes": nodes, "output": output}
