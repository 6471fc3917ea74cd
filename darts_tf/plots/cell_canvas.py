"""The figure that a cell is drawn on: boxes in columns, and curves between them."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from darts_tf.plots import looks, style
from darts_tf.plots.cell_graph import Graph
from darts_tf.plots.layered_layout import Layout

# Everything is in inches, so that a text fits its box whatever the size of the cell.
_WIDTHS = {"input": 0.92, "node": 0.34, "output": 0.5, "operation": 1.2}
_BOX_HEIGHT = 0.34
_OPERATION_HEIGHT = 0.27
# Of a letter of an operation's name; longer names have wider boxes.
_LETTER, _ROUND = 0.078, 0.24
_GAP = 0.55
_MARGIN = 0.15
_TITLE_HEIGHT = 0.42
_NOTE_HEIGHT = 0.3


class Canvas:
    """A figure of the size that a cell needs, with its title and its note.

    Args:
        graph: what is drawn.
        layout: where.
        title: a heading, or None.
        note: a line below, or None.
        axes: where to draw, as large as `size`; None for a figure of its own.

    Attributes:
        figure: the figure.
        size: width and height that the cell needs, in inches.
    """

    def __init__(
        self, graph: Graph, layout: Layout, title: str | None, note: str | None, axes=None
    ):
        self._graph = graph
        self._layout = layout
        self._widths = _widths(graph)
        self._columns = _columns(graph, self._widths)
        spans = [(y, _BOX_HEIGHT / 2) for y in layout.heights.values()]
        spans += [(y, 0.0) for line in layout.passages for y in line]
        bottom = min(y - half for y, half in spans) - _MARGIN
        top = max(y + half for y, half in spans) + _MARGIN
        right = self._columns[-1][1] + _MARGIN
        head = _TITLE_HEIGHT if title else 0.0
        middle_of_note = top + _NOTE_HEIGHT / 2 - 0.05
        top += _NOTE_HEIGHT if note else 0.0
        self.size = right + _MARGIN, top - bottom + head
        if axes is None:
            axes = Figure(figsize=self.size).add_axes((0, 0, 1, 1))
        self.figure, self._axes = axes.figure, axes
        axes.set_axis_off()
        axes.set_xlim(-_MARGIN, right)
        # Heights grow downwards: the first input is on top.
        axes.set_ylim(top, bottom - head)
        if title:
            axes.text(0, bottom - head / 2 + 0.05, title, fontsize=13, weight="bold", va="center")
        if note:
            axes.text(0, middle_of_note, note, fontsize=9, va="center")

    def draw_edge(self, edge, passages, look: looks.Look | None) -> None:
        """Draws a line from box to box.

        Args:
            edge: one of the graph's.
            passages: its heights in the layers that it passes by.
            look: that of its operation; None for a thin grey line.
        """
        graph, heights, columns = self._graph, self._layout.heights, self._columns
        start, end = edge
        points = [(columns[graph.layers[start]], heights[start])]
        points += [(columns[graph.layers[start] + 1 + i], y) for i, y in enumerate(passages)]
        points.append((columns[graph.layers[end]], heights[end]))
        # A state is narrower than its column where the column also holds an input or the output.
        half = [self._widths[graph.kinds[vertex]] / 2 for vertex in edge]
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
        self._axes.add_patch(PathPatch(Path(vertices, codes), fill=False, **_line(look)))

    def draw_vertex(self, vertex, look: looks.Look | None) -> None:
        """Draws the box of a vertex with its text.

        Args:
            vertex: one of the graph's.
            look: that of an operation; None for a state.
        """
        x = sum(self._columns[self._graph.layers[vertex]]) / 2
        place = x, self._layout.heights[vertex]
        kind, text = self._graph.kinds[vertex], self._graph.texts[vertex]
        if kind == "operation":
            box = {"height": _OPERATION_HEIGHT, "rounding": _OPERATION_HEIGHT / 2}
            colours = {"facecolor": look.face, "edgecolor": look.colour}
            self._box(place, kind, **box, **colours, linestyle=look.dashes)
            size, colour = 9, look.text
        else:
            face = "#F2F2F2" if kind == "node" else "#DCDCDC"
            box = {"height": _BOX_HEIGHT, "rounding": 0.06}
            self._box(place, kind, **box, facecolor=face, edgecolor=style.INK, linewidth=1.1)
            size, colour = 10 if kind == "node" else 11.5, style.INK
            text = style.with_indices(text)
        self._axes.text(
            *place,
            text,
            fontsize=size,
            color=colour,
            ha="center",
            va="center_baseline",
            zorder=4,
        )

    def _box(self, place, kind, height, rounding, **look) -> None:
        (x, y), width = place, self._widths[kind]
        self._axes.add_patch(
            FancyBboxPatch(
                (x - width / 2 + rounding, y - height / 2 + rounding),
                width - 2 * rounding,
                height - 2 * rounding,
                boxstyle=f"round,pad={rounding},rounding_size={rounding}",
                zorder=3,
                **look,
            )
        )


def _widths(graph: Graph) -> dict[str, float]:
    """The widths of boxes by their kind; all operations have that of the longest name."""
    names = [graph.texts[x] for x, kind in graph.kinds.items() if kind == "operation"]
    longest = max(map(len, names), default=0)
    return {**_WIDTHS, "operation": max(_WIDTHS["operation"], _LETTER * longest + _ROUND)}


def _columns(graph: Graph, of_kind: dict[str, float]) -> list[tuple[float, float]]:
    """The left and the right end of every layer."""
    widths = [0.0] * (max(graph.layers.values()) + 1)
    for vertex, layer in graph.layers.items():
        widths[layer] = max(widths[layer], of_kind[graph.kinds[vertex]])
    columns, left = [], 0.0
    for width in widths:
        columns.append((left, left + width))
        left += width + _GAP
    return columns


def _line(look: looks.Look | None) -> dict:
    if look is None:
        return {"edgecolor": "#B5B5B5", "linewidth": 1.1, "zorder": 1}
    return {
        "edgecolor": look.colour,
        "linewidth": 1.7,
        "linestyle": look.dashes,
        "capstyle": "round",
        "zorder": 2,
    }
