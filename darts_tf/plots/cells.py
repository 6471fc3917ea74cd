"""Drawings of a discrete cell: its states, and an operation on every edge."""

import pathlib

from matplotlib.figure import Figure

from darts_tf.common.errors import UserError
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
    """Draws every cell of a genotype, into one file or a file each.

    Args:
        genotype: the architecture.
        directory: a file, whose suffix, `.svg` or `.png`, chooses the format: it gets all cells,
            one below the other. Or an existing folder for `cell_normal.svg`, `cell_normal.png`,
            `cell_reduce.svg`, `cell_reduce.png`.
        formats: the formats to write into a folder.
        leads: see `plot_cell`; of all cells.

    Returns:
        The paths of the files written.

    Raises:
        UserError: it is neither an existing folder nor such a file.
    """
    path, space = pathlib.Path(directory), genotype.search_space
    cells = []
    for cell_type, cell in genotype.cells.items():
        own = (leads or {}).get(cell_type)
        options = {"inputs": space.inputs, "leads": own, "kind": space.kind}
        cells.append(_Drawing(cell, node_names.cell_name(cell_type), **options))
    if path.is_dir():
        files = [path / f"cell_{name}.{suffix}" for name in genotype.cells for suffix in formats]
        each = [drawing for drawing in cells for _ in formats]
        for file, drawing in zip(files, each, strict=True):
            drawing.save(style.check_path(file))
        return files
    if not path.suffix:
        raise UserError(
            f"there is no folder {str(path)!r} for the pictures of the cells: make it, or give a "
            "file that ends in .svg or .png"
        )
    with style.context():
        style.save(_below_each_other(cells), style.check_path(path))
    return [path]


def _below_each_other(cells: list["_Drawing"]) -> Figure:
    """All cells in one figure, from the left, each in its own size."""
    sizes = [drawing.canvas().size for drawing in cells]
    width, height = max(w for w, _ in sizes), sum(h for _, h in sizes)
    figure, top = Figure(figsize=(width, height)), height
    for drawing, (w, h) in zip(cells, sizes, strict=True):
        top -= h
        axes = figure.add_axes((0, top / height, w / width, h / height))
        drawing.draw(drawing.canvas(axes))
    return figure


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
    intermediate nodes (each the sum of what arrives), and the box on an edge is its operation;
    the numbers are those of `darts_tf.spaces.node_names`. Convolutions are blue (dilated ones
    light blue), pooling is orange, skip connections are green, noise is grey; "none" is dotted,
    and what is close to a draw pale. Thin grey lines lead from the nodes that are concatenated
    to the output. In a recurrent cell they lead from x_t and h_{t-1} to node 0, and to h_t from
    the nodes that it is the mean of; what saturates there, tanh and sigmoid, is orange, and the
    identity green.

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
    _Drawing(cell, title, inputs, leads, kind).save(path)


class _Drawing:
    """A cell, its layout and its looks; see `plot_cell`."""

    def __init__(self, cell, title, inputs, leads, kind):
        self._title = title
        self._looks = _looks(cell, leads)
        self._graph = cell_graph.of(cell, inputs, kind)
        self._layout = _layout(self._graph)

    def canvas(self, axes=None) -> Canvas:
        """The canvas it is drawn on: a figure of its own, or a part of another."""
        note = looks.note(self._looks.values())
        return Canvas(self._graph, self._layout, self._title, note, axes)

    def draw(self, canvas: Canvas) -> None:
        """Draws the edges, and the vertices over them."""
        drawn = self._looks
        for edge, passages in zip(self._graph.edges, self._layout.passages, strict=True):
            look = next((drawn[end] for end in edge if end in drawn), None)
            canvas.draw_edge(edge, passages, look)
        for vertex in self._layout.heights:
            canvas.draw_vertex(vertex, drawn.get(vertex))

    def save(self, path: pathlib.Path) -> None:
        """Writes a picture of this cell alone."""
        with style.context():
            canvas = self.canvas()
            self.draw(canvas)
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
