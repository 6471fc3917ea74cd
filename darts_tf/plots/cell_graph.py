"""The graph to draw of a discrete cell: vertices in layers, and the edges between them."""

import dataclasses
from collections.abc import Hashable
from typing import NamedTuple

from darts_tf.genotypes import CellGenotype
from darts_tf.spaces import node_names


class State(NamedTuple):
    """A node of the cell, by its number."""

    index: int


class Operation(NamedTuple):
    """The operation on an edge: the `edge`-th of the intermediate node `node`, from 0."""

    node: int
    edge: int


#: The cell's output.
OUTPUT = "output"
# What the cell reads at a step.
_READ = node_names.STEP_INPUTS[0]


@dataclasses.dataclass(frozen=True)
class Graph:
    """The picture of a cell before it has a layout.

    Attributes:
        layers: vertex -> its layer, from the left; an edge leads to a later one.
        edges: pairs (from, to).
        kinds: vertex -> "input", "node", "operation" or "output".
        texts: vertex -> what its box says.
    """

    layers: dict[Hashable, int]
    edges: list[tuple[Hashable, Hashable]]
    kinds: dict[Hashable, str]
    texts: dict[Hashable, str]

    def add(self, vertex, layer: int, kind: str, text: str) -> None:
        """One more vertex."""
        self.layers[vertex], self.kinds[vertex], self.texts[vertex] = layer, kind, text


def of(cell: CellGenotype, inputs: int, kind: str) -> Graph:
    """The graph of a cell, a node right after its operations.

    Args:
        cell: the cell.
        inputs: how many inputs it has.
        kind: "convolutional", "recurrent" or "two_input", see `darts_tf.spaces.Space`.
    """
    graph = _recurrent_inputs() if kind == "recurrent" else _inputs(inputs, kind)
    for i, node in enumerate(cell.nodes):
        if not node:
            continue  # A node without edges is no part of the cell.
        state = State(inputs + i)
        layer = 2 + max(graph.layers[State(edge.source)] for edge in node)
        graph.add(state, layer, "node", str(state.index))
        for k, edge in enumerate(node):
            operation = Operation(i, k)
            graph.add(operation, layer - 1, "operation", edge.operation)
            graph.edges.extend([(State(edge.source), operation), (operation, state)])
            if kind == "two_input":
                graph.edges.append((_READ, operation))
    graph.add(OUTPUT, max(graph.layers.values()) + 1, "output", node_names.output_name(kind))
    graph.edges.extend((State(index), OUTPUT) for index in cell.concat)
    return graph


def _inputs(inputs, kind) -> Graph:
    graph = Graph({}, [], {}, {})
    if kind == "two_input":
        graph.add(_READ, 0, "input", _READ)
    for i in range(inputs):
        graph.add(State(i), 0, "input", f"{i} = {node_names.input_name(i, inputs, kind)}")
    return graph


def _recurrent_inputs() -> Graph:
    """The state that node 0 of a recurrent cell is, and what it is made of."""
    graph = Graph({}, [], {}, {})
    for name in node_names.STEP_INPUTS:
        graph.add(name, 0, "input", name)
        graph.edges.append((name, State(0)))
    graph.add(State(0), 1, "node", "0")
    return graph
