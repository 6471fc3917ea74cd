"""Heat maps of how the weights of the operations change while a search runs."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from darts_tf.common.errors import UserError
from darts_tf.genotypes import Genotype, decidedness
from darts_tf.plots import style
from darts_tf.spaces import Space, node_names
from darts_tf.spaces.operation_weights import check_range

# In inches.
_PANEL = (2.15, 1.0)
_GAP = (0.2, 0.42)
_LEFT, _RIGHT, _BOTTOM = 2.15, 0.3, 0.6
# The name of a node, and a letter of an operation's name beside it.
_NODE, _LETTER = 1.3, 0.063
_HEAD, _CELL_HEAD = 1.4, 0.55
_LEAST_WIDTH = 11.0  # Of the words and the scale on top.
# Without the palest, so that an undecided search is no white sheet.
_COLOURS = ListedColormap(colormaps["Blues"](np.linspace(0.16, 1, 256)), "weights")
_SMALLEST_SPAN = 0.02


def plot_operation_weights(
    weights: Mapping[str, np.ndarray], space: Space, path, genotype: Genotype | None = None
) -> None:
    """Draws which operation wins on which edge, and when.

    Every panel is an edge: its row says which node it leads to, its column where it comes from.
    In a panel time runs to the right, every line is an operation, and dark means a large weight.
    The operation that is largest at the end is named above the panel and marked beside it, unless
    the edge is close to a draw, which `darts_tf.genotypes.decidedness` defines; how many are is
    said beside the cell's name. The edges that the cell keeps have a thick frame.

    Args:
        weights: for every cell type an array [epochs, edges, operations], the operation weights
            at the end of every epoch; NaN for an epoch that is not known, which stays blank.
        space: the search space that names the edges and the operations.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        genotype: the cells that were chosen; None: no frames.

    Raises:
        UserError: an array has another shape, or numbers that are no operation weights, such as
            alphas; the suffix of `path` is another one.
    """
    path = style.check_path(path)
    arrays = {name: _check(name, values, space) for name, values in weights.items()}
    if not arrays:
        raise UserError("no operation weights to draw: expected at least one cell type")
    scale = _scale(list(arrays.values()))
    rows, columns = space.nodes, space.inputs + space.nodes - 1
    width = max(_left(space) + columns * (_PANEL[0] + _GAP[0]) + _RIGHT, _LEAST_WIDTH)
    block = _CELL_HEAD + rows * (_PANEL[1] + _GAP[1])
    height = _HEAD + len(arrays) * block + _BOTTOM
    with style.context():
        figure = Figure(figsize=(width, height))
        _explain(figure, scale, genotype is not None)
        legend = style.with_indices(node_names.legend(space.inputs, space.kind))
        figure.text(0.25 / width, 0.15 / height, f"{legend[0].upper()}{legend[1:]}.", fontsize=9)
        for i, (name, values) in enumerate(arrays.items()):
            kept = _kept(genotype, name)
            _draw_cell(figure, name, values, space, scale, height - _HEAD - i * block, kept)
        style.save(figure, path)


def _left(space) -> float:
    """Where the panels begin, in inches: right of the longest name of an operation."""
    return max(_LEFT, _NODE + _LETTER * max(map(len, space.operations)))


def _check(name, values, space) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    expected = (len(space.edges), len(space.operations))
    if values.ndim != 3 or not len(values) or values.shape[1:] != expected:
        raise UserError(
            f"operation weights of the {name} cell: expected the shape [epochs, {expected[0]} "
            f"edges, {expected[1]} operations] with at least one epoch, got {list(values.shape)}"
        )
    known = ~np.isnan(values).all(axis=(1, 2))
    # The last one names the winners, so it has to be known.
    known[-1] = True
    check_range(name, values[known])
    return values


def _scale(arrays) -> Normalize:
    """From the smallest weight to the largest, both in any cell.

    Early in a search all weights are nearly equal; the span has a lower limit, so that their noise
    does not look like a decision.
    """
    low = min(np.nanmin(values) for values in arrays)
    high = max(np.nanmax(values) for values in arrays)
    return Normalize(low, max(low + _SMALLEST_SPAN, high))


def _kept(genotype, name) -> set[tuple[int, int]]:
    """The edges of a cell type that the cell keeps: (node, source)."""
    nodes = () if genotype is None else genotype[name].nodes
    return {(i, edge.source) for i, node in enumerate(nodes) for edge in node}


def _explain(figure, scale, frames: bool) -> None:
    """The heading, how to read the picture, and the scale of the colours."""
    width, height = figure.get_size_inches()
    figure.text(
        0.25 / width,
        1 - 0.3 / height,
        "Which operation wins on which edge",
        fontsize=16,
        weight="bold",
        va="center",
    )
    figure.text(
        0.25 / width,
        1 - 0.5 / height,
        "One panel per edge; every line is an operation, and time runs to the right.\n"
        "Dark: the edge relies on this operation."
        f"{' Thick frame: the cell keeps this edge.' if frames else ''}\n"
        "The largest weight at the end is named above the panel and marked beside it,\n"
        f"unless the next one is within {decidedness.CLOSE:.0%} of it: undecided.",
        fontsize=10,
        va="top",
        linespacing=1.4,
    )
    axes = figure.add_axes(((width - 3.3) / width, 1 - 0.42 / height, 2.95 / width, 0.14 / height))
    bar = figure.colorbar(ScalarMappable(scale, _COLOURS), cax=axes, orientation="horizontal")
    bar.set_label("weight of the operation", fontsize=9)
    bar.ax.xaxis.set_major_locator(MaxNLocator(5))
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def _draw_cell(figure, name, values, space, scale, top, kept) -> None:
    """Draws the panels of one kind of cell; `top` is in inches from the bottom."""
    width, height = figure.get_size_inches()
    place = (top - 0.2) / height
    figure.text(0.25 / width, place, node_names.cell_name(name), fontsize=13, weight="bold")
    undecided = sum(_is_undecided(row) for row in values[-1])
    if undecided:
        words = f"{undecided} of {len(space.edges)} edges undecided"
        figure.text(1 - 0.25 / width, place, words, fontsize=10, color=style.GREY, ha="right")
    last_of_column = {edge.source: i for i, edge in enumerate(space.edges)}
    first_of_row = {edge.node: edge.source for edge in reversed(space.edges)}
    for i, (node, source) in enumerate(space.edges):
        left = _left(space) + source * (_PANEL[0] + _GAP[0])
        bottom = top - _CELL_HEAD - node * (_PANEL[1] + _GAP[1]) - _PANEL[1]
        axes = figure.add_axes(
            (left / width, bottom / height, _PANEL[0] / width, _PANEL[1] / height)
        )
        _draw_edge(axes, values[:, i], space.operations, scale, first=source == first_of_row[node])
        if (node, source) in kept:
            axes.spines[:].set(linewidth=2.2, edgecolor=style.INK)
        if node == max(0, source - space.inputs + 1):
            axes.annotate(
                style.with_indices(
                    f"from {node_names.node_name(source, space.inputs, space.kind)}"
                ),
                (0.5, 1),
                xytext=(0, 19),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="center",
                fontsize=10.5,
                weight="bold",
            )
        if source == first_of_row[node]:
            figure.text(
                0.25 / width,
                (bottom + _PANEL[1] / 2) / height,
                f"into {node_names.node_name(space.inputs + node, space.inputs, space.kind)}",
                fontsize=10.5,
                weight="bold",
                va="center",
            )
        if last_of_column[source] == i:
            axes.set_xlabel("epoch", fontsize=9, labelpad=1)
        else:
            axes.tick_params(labelbottom=False)


def _draw_edge(axes, values, operations, scale, first) -> None:
    """Draws one edge.

    Args:
        axes: where.
        values: its weights, [epochs, operations].
        operations: their names.
        scale: from weights to colours.
        first: whether to name every operation at the left.
    """
    epochs = len(values)
    axes.imshow(
        values.T,
        cmap=_COLOURS,
        norm=scale,
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, epochs + 0.5, len(operations) - 0.5, -0.5),
    )
    _name_winner(axes, values[-1], operations)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, epochs + 0.5)
    axes.set_yticks(range(len(operations)), operations if first else [])
    axes.tick_params(labelsize=7, length=2, pad=2)
    axes.spines[:].set_linewidth(0.6)


def _is_undecided(row) -> bool:
    lead = decidedness.lead(row, int(row.argmax()), range(len(row)))
    return bool(row.any()) and lead < decidedness.CLOSE


def _name_winner(axes, row, operations) -> None:
    """Names the largest weight above a panel and marks it, if it has won."""
    winner = int(row.argmax())
    if not row.any():
        axes.set_title("removed", fontsize=8.5, pad=4, color=style.GREY)
        return
    if _is_undecided(row):
        axes.set_title(f"undecided  {row[winner]:.3f}", fontsize=8.5, pad=4, color=style.GREY)
        return
    axes.set_title(f"{operations[winner]}  {row[winner]:.3f}", fontsize=8.5, pad=4)
    axes.plot(
        [1.025],
        [winner],
        marker="<",
        markersize=5,
        color=style.VERMILION,
        clip_on=False,
        transform=axes.get_yaxis_transform(),
    )
