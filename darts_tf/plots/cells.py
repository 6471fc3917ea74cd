"""Drawings of a discrete cell: its states, and an operation on every edge."""

import pathlib

from darts_tf.genotypes import CellGenotype, Genotype, decidedness
from darts_tf.plots import cell_graph, layered_layout, looks, style
from darts_tf.plots.cell_canvas import Canvas
from darts_tf.spaces import node_names

# Everything is in inches: the room that a vertex takes, and a line that passes by.
_SIZES = {"input": 0.9, "node": 0.5, "output": 0.5, "operation": 0.38}
_PASSAGE_SIZE = 0.2


def plot_genotype(
    genotype: Genotype,
    directory,
    formats=("svg", "png"),
    leads: decidedness.Leads | None = None,
) -> list[pathlib.Path]:
    """Draws every cell of a genotype.

    Args:
        genotype: the architecture.
        directory: an existing folder for `cell_normal.svg`, `cell_normal.png`,
            `cell_reduce.svg`, `cell_reduce.png`.
        formats: the formats to write.
        leads: see `plot_cell`; of all cells.

    Returns:
        The paths of the files written.
    """
    paths = []
    for cell_type, cell in genotype.cells.items():
        for suffix in formats:
            path = pathlib.Path(directory) / f"cell_{cell_type}.{suffix}"
            space, title = genotype.search_space, node_names.cell_name(cell_type)
            own = (leads or {}).get(cell_type)
            plot_cell(cell, path, title, inputs=space.inputs, leads=own, kind=space.kind)
            paths.append(path)
    return paths


def plot_cell(
    cell: CellGenotype,
    path,
    title: str | None = None,
    inputs: int = 2,
    leads: list[list[float]] | None = None,
    kind: str = "convolutional",
) -> None:
    """Draws a cell as a graph that is read from left to right.

    Boxes with a letter are the cell's inputs and its output, boxes with a number alone its
    intermediate nodes (each the sum of what arrives), and the box on an edge is its operation; the
    numbers are those of `darts_tf.spaces.node_names`. Convolutions are blue (dilated
    ones light blue), pooling is orange, skip connections are green; "none" is dotted. Thin grey
    lines lead from the nodes that are concatenated to the output. In a recurrent cell they lead
    from x_t and h_{t-1} to node 0, and to h_t from the nodes that it is the mean of; what saturates
    there, tanh and sigmoid, is orange, and the identity green.

    Args:
        cell: the cell.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        title: a heading, or None.
        inputs: how many inputs the cell has.
        leads: for every node, for every edge into it, by what share its operation leads the next
            one; see `darts_tf.genotypes.decidedness`. Those that are close to a draw are dashed.
            None for a cell that was not chosen by operation weights.
        kind: "recurrent" or "two_input" for a cell that runs over time; see
            `darts_tf.spaces.Space`.

    Raises:
        UserError: the suffix of `path` is another one.
    """
    path = style.check_path(path)
    drawn = _looks(cell, leads)
    graph = cell_graph.of(cell, inputs, kind)
    layout = _layout(graph)
    with style.context():
        canvas = Canvas(graph, layout, title, looks.note(drawn.values()))
        for edge, passages in zip(graph.edges, layout.passages, strict=True):
            look = next((drawn[end] for end in edge if end in drawn), None)
            canvas.draw_edge(edge, passages, look)
        for vertex in layout.heights:
            canvas.draw_vertex(vertex, drawn.get(vertex))
        style.save(canvas.figure, path)


def _looks(cell, leads) -> dict[cell_graph.Operation, looks.Look]:
    """How the operations of a cell are drawn."""
    return {
        cell_graph.Operation(i, k): looks.of(edge.operation, None if leads is None else leads[i][k])
        for i, node in enumerate(cell.nodes)
        for k, edge in enumerate(node)
    }


def _layout(graph: cell_graph.Graph) -> layered_layout.Layout:
    kinds = graph.kinds
    layout = layered_layout.place(
        graph.layers,
        graph.edges,
        sizes={vertex: _SIZES[kind] for vertex, kind in kinds.items()},
        passage_size=_PASSAGE_SIZE,
        # A node belongs beside its operations; where the lines to the output run matters less.
        priorities=[
            4.0 if kinds[end] == "node" else 0.5 if kinds[end] == "output" else 1.0
            for _, end in graph.edges
        ],
    )
    inputs = [layout.heights[vertex] for vertex, kind in kinds.items() if kind == "input"]
    if inputs[0] <= inputs[-1]:
        return layout
    return layered_layout.Layout(
        {vertex: -height for vertex, height in layout.heights.items()},
        [[-height for height in line] for line in layout.passages],
    )
