"""Drawings of a discrete cell: its states, and an operation on every edge."""

import pathlib
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from darts_tf.genotypes import CellGenotype, Genotype, decidedness
from darts_tf.plots import layered_layout, looks, style
from darts_tf.spaces import node_names

# Everything is in inches, so that a text fits its box whatever the size of the cell.
_STATE_WIDTH = {"input": 0.92, "node": 0.34, "output": 0.5}
_BOX_HEIGHT = 0.34
_OPERATION_WIDTH = 1.2
_OPERATION_HEIGHT = 0.27
_GAP = 0.55
_MARGIN = 0.15
_TITLE_HEIGHT = 0.42
_SIZES = {"input": 0.9, "node": 0.5, "output": 0.5, "operation": 0.38}
_PASSAGE_SIZE = 0.2
_NOTE_HEIGHT = 0.3


class _State(NamedTuple):
    index: int


class _Operation(NamedTuple):
    node: int
    edge: int


_OUTPUT = "output"


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
            inputs = genotype.search_space.inputs
            title, own = node_names.cell_name(cell_type), (leads or {}).get(cell_type)
            plot_cell(cell, path, title=title, inputs=inputs, leads=own)
            paths.append(path)
    return paths


def plot_cell(
    cell: CellGenotype,
    path,
    title: str | None = None,
    inputs: int = 2,
    leads: list[list[float]] | None = None,
) -> None:
    """Draws a cell as a graph that is read from left to right.

    Boxes with a letter are the cell's inputs and its output, boxes with a number alone its
    intermediate nodes (each the sum of what arrives), and the box on an edge is its operation; the
    numbers are those of `darts_tf.spaces.node_names`. Convolutions are blue (dilated
    ones light blue), pooling is orange, skip connections are green; "none" is dotted. Thin grey
    lines lead from the nodes that are concatenated to the output.

    Args:
        cell: the cell.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        title: a heading, or None.
        inputs: how many inputs the cell has.
        leads: for every node, for every edge into it, by what share its operation leads the next
            one; see `darts_tf.genotypes.decidedness`. Those that are close to a draw are dashed.
            None for a cell that was not chosen by operation weights.

    Raises:
        UserError: the suffix of `path` is another one.
    """
    path = style.check_path(path)
    drawn = _looks(cell, leads)
    layers, edges = _graph(cell, inputs)
    kinds = {vertex: _kind(vertex, inputs) for vertex in layers}
    layout = _layout(layers, edges, kinds)
    columns = _columns(layers, kinds)
    with style.context():
        figure, axes = _canvas(layout, columns, title, looks.note(drawn.values()))
        for edge, passages in zip(edges, layout.passages, strict=True):
            _draw_edge(axes, drawn, edge, layers, kinds, columns, layout, passages)
        for vertex, height in layout.heights.items():
            middle = sum(columns[layers[vertex]]) / 2
            if isinstance(vertex, _Operation):
                _draw_operation(axes, _operation_name(cell, vertex), drawn[vertex], middle, height)
            else:
                _draw_state(axes, vertex, kinds[vertex], inputs, middle, height)
        style.save(figure, path)


def _looks(cell, leads) -> dict[_Operation, looks.Look]:
    """How the operations of a cell are drawn."""
    return {
        _Operation(i, k): looks.of(edge.operation, None if leads is None else leads[i][k])
        for i, node in enumerate(cell.nodes)
        for k, edge in enumerate(node)
    }


def _operation_name(cell, vertex: _Operation) -> str:
    return cell.nodes[vertex.node][vertex.edge].operation


def _kind(vertex, inputs) -> str:
    if vertex == _OUTPUT:
        return "output"
    if isinstance(vertex, _Operation):
        return "operation"
    return "input" if vertex.index < inputs else "node"


def _graph(cell, inputs):
    """The vertices with their layers, and the edges between them.

    Operations are in odd layers, states in even ones; a node comes right after its operations.
    """
    layers = {_State(i): 0 for i in range(inputs)}
    edges = []
    for i, node in enumerate(cell.nodes):
        if not node:
            continue  # A node without edges is no part of the cell.
        state = _State(inputs + i)
        layers[state] = 2 + max(layers[_State(edge.source)] for edge in node)
        for k, edge in enumerate(node):
            operation = _Operation(i, k)
            layers[operation] = layers[state] - 1
            edges += [(_State(edge.source), operation), (operation, state)]
    layers[_OUTPUT] = max(layers.values()) + 1
    edges += [(_State(state), _OUTPUT) for state in cell.concat]
    return layers, edges


def _layout(layers, edges, kinds) -> layered_layout.Layout:
    layout = layered_layout.place(
        layers,
        edges,
        sizes={vertex: _SIZES[kind] for vertex, kind in kinds.items()},
        passage_size=_PASSAGE_SIZE,
        # A node belongs beside its operations; where the lines to the output run matters less.
        weights=[
            4.0 if kinds[end] == "node" else 0.5 if kinds[end] == "output" else 1.0
            for _, end in edges
        ],
    )
    inputs = [layout.heights[vertex] for vertex, kind in kinds.items() if kind == "input"]
    if inputs[0] <= inputs[-1]:
        return layout
    return layered_layout.Layout(
        {vertex: -height for vertex, height in layout.heights.items()},
        [[-height for height in line] for line in layout.passages],
    )


def _columns(layers, kinds) -> list[tuple[float, float]]:
    """The left and the right end of every layer."""
    widths = [0.0] * (max(layers.values()) + 1)
    for vertex, layer in layers.items():
        width = _STATE_WIDTH.get(kinds[vertex], _OPERATION_WIDTH)
        widths[layer] = max(widths[layer], width)
    columns, left = [], 0.0
    for width in widths:
        columns.append((left, left + width))
        left += width + _GAP
    return columns


def _canvas(layout, columns, title, note):
    spans = [(y, _BOX_HEIGHT / 2) for y in layout.heights.values()]
    spans += [(y, 0.0) for line in layout.passages for y in line]
    bottom = min(y - half for y, half in spans) - _MARGIN
    top = max(y + half for y, half in spans) + _MARGIN
    right = columns[-1][1] + _MARGIN
    head = _TITLE_HEIGHT if title else 0.0
    middle_of_note = top + _NOTE_HEIGHT / 2 - 0.05
    top += _NOTE_HEIGHT if note else 0.0
    figure = Figure(figsize=(right + _MARGIN, top - bottom + head))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-_MARGIN, right)
    # Heights grow downwards: the first input is on top.
    axes.set_ylim(top, bottom - head)
    if title:
        axes.text(0, bottom - head / 2 + 0.05, title, fontsize=13, weight="bold", va="center")
    if note:
        axes.text(0, middle_of_note, note, fontsize=9, va="center")
    return figure, axes


def _draw_edge(axes, drawn, edge, layers, kinds, columns, layout, passages) -> None:
    start, end = edge
    points = [(columns[layers[start]], layout.heights[start])]
    points += [(columns[layers[start] + 1 + i], height) for i, height in enumerate(passages)]
    points.append((columns[layers[end]], layout.heights[end]))
    # A state is narrower than its column where the column also holds an input or the output.
    half = [_STATE_WIDTH.get(kinds[v], _OPERATION_WIDTH) / 2 for v in edge]
    x = sum(points[0][0]) / 2 + half[0]
    vertices, codes = [(x, points[0][1])], [Path.MOVETO]
    for i, ((left, right), y) in enumerate(points[1:], start=1):
        last = i == len(points) - 1
        arrive = (left + right) / 2 - half[1] if last else left
        x, before = vertices[-1]
        bend = (x + arrive) / 2
        vertices += [(bend, before), (bend, y), (arrive, y)]
        codes += [Path.CURVE4] * 3
        if not last:
            vertices.append((right, y))
            codes.append(Path.LINETO)
    axes.add_patch(PathPatch(Path(vertices, codes), fill=False, **_line(drawn, edge)))


def _line(drawn, edge) -> dict:
    operation = next((end for end in edge if isinstance(end, _Operation)), None)
    if operation is None:
        return {"edgecolor": "#B5B5B5", "linewidth": 1.1, "zorder": 1}
    look = drawn[operation]
    return {
        "edgecolor": look.colour,
        "linewidth": 1.7,
        "linestyle": look.dashes,
        "capstyle": "round",
        "zorder": 2,
    }


def _box(axes, x, y, width, height, rounding, **look) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2 + rounding, y - height / 2 + rounding),
            width - 2 * rounding,
            height - 2 * rounding,
            boxstyle=f"round,pad={rounding},rounding_size={rounding}",
            zorder=3,
            **look,
        )
    )


def _draw_operation(axes, operation, look, x, y) -> None:
    face = look.colour if look.dashes == "solid" else "white"
    _box(
        axes,
        x,
        y,
        _OPERATION_WIDTH,
        _OPERATION_HEIGHT,
        _OPERATION_HEIGHT / 2,
        facecolor=face,
        edgecolor=look.colour,
        linestyle=look.dashes,
    )
    axes.text(
        x, y, operation, fontsize=9, color=look.text, ha="center", va="center_baseline", zorder=4
    )


def _draw_state(axes, vertex, kind, inputs, x, y) -> None:
    if kind == "output":
        text = "c_k"
    elif kind == "input":
        text = f"{vertex.index} = {node_names.input_name(vertex.index, inputs)}"
    else:
        text = str(vertex.index)
    _box(
        axes,
        x,
        y,
        _STATE_WIDTH[kind],
        _BOX_HEIGHT,
        0.06,
        facecolor="#F2F2F2" if kind == "node" else "#DCDCDC",
        edgecolor=style.INK,
        linewidth=1.1,
    )
    size = 10 if kind == "node" else 11.5
    text = style.with_indices(text)
    axes.text(x, y, text, fontsize=size, ha="center", va="center_baseline", zorder=4)
