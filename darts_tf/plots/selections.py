"""The cells that several selections chose, side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.genotypes.genotype import Genotype
from darts_tf.plots import looks, style
from darts_tf.spaces import Space, node_names

# In inches.
_COLUMN, _ROW = 1.7, 0.27
_LETTER = 0.068  # Of an operation's name, which may need a wider column.
_LEFT, _TOP, _BETWEEN = 1.5, 1.35, 0.45


def plot_selections(
    genotypes: Mapping[str, Genotype],
    space: Space,
    path,
    leads: Mapping[str, decidedness.Leads] | None = None,
) -> None:
    """Draws a table: a line for each edge, a column for each selection, an operation in each.

    Operations look as in the cells (`plot_cell`). An edge that a selection left out is blank.

    Args:
        genotypes: name of the selection -> the cells.
        space: their search space.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        leads: name of the selection -> by what share every operation leads the next one, see
            `darts_tf.genotypes.decidedness`, for those that go by the operation weights. What is
            close to a draw is pale and dashed and has a question mark.

    Raises:
        UserError: there is no genotype; the suffix of `path` is another one.
    """
    path = style.check_path(path)
    if not genotypes:
        raise UserError("no selections to draw: expected at least one genotype")
    edges, types = len(space.edges), len(space.cell_types)
    height = _TOP + types * (edges * _ROW + _BETWEEN)
    column = max(_COLUMN, _LETTER * (max(map(len, space.operations)) + 3))
    width = _LEFT + len(genotypes) * column + 0.2
    with style.context():
        figure = Figure(figsize=(width, height))
        heading = {"fontsize": 13, "weight": "bold", "va": "center"}
        figure.text(0.2 / width, 1 - 0.25 / height, "The cells by selection", **heading)
        for i, cell_type in enumerate(space.cell_types):
            top = height - _TOP - i * (edges * _ROW + _BETWEEN)
            axes = figure.add_axes(
                (
                    _LEFT / width,
                    (top - edges * _ROW) / height,
                    len(genotypes) * column / width,
                    edges * _ROW / height,
                )
            )
            _draw(axes, genotypes, space, cell_type, leads or {}, heads=i == 0)
        close = [any(decidedness.close(one).values()) for one in (leads or {}).values()]
        if any(close):
            note = "?: close to a draw with the next operation"
            figure.text(0.2 / width, 0.15 / height, note, fontsize=8)
        style.save(figure, path)


def _draw(axes, genotypes, space, cell_type, leads, heads) -> None:
    axes.set_xlim(0, len(genotypes))
    axes.set_ylim(len(space.edges), 0)
    axes.set_title(node_names.cell_name(cell_type), loc="left", fontsize=11, pad=40 if heads else 6)
    for column, (name, genotype) in enumerate(genotypes.items()):
        if heads:
            words = name.replace("_", "\n", 1).replace("_", " ")
            axes.text(column + 0.5, -0.3, words, ha="center", va="bottom", fontsize=9)
        found = leads.get(name, {}).get(cell_type)
        for row, place in enumerate(space.edges):
            into = genotype[cell_type].nodes[place.node]
            here = [k for k, edge in enumerate(into) if edge.source == place.source]
            names = [into[k].operation for k in here]
            close = found and any(found[place.node][k] < decidedness.CLOSE for k in here)
            if names:
                _draw_operations(axes, column, row, names, "?" if close else "")
    labels = [
        style.with_indices(
            f"{node_names.node_name(place.source, space.inputs, space.kind)} → "
            f"{space.inputs + place.node}"
        )
        for place in space.edges
    ]
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels, fontsize=8)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_operations(axes, column, row, names, mark) -> None:
    look = looks.of(names[0], 0.0 if mark else None)
    box = {"facecolor": look.face, "edgecolor": look.colour, "linestyle": look.dashes}
    axes.add_patch(Rectangle((column + 0.03, row + 0.07), 0.94, 0.86, linewidth=0.9, **box))
    text = {"s": f"{', '.join(names)} {mark}".strip(), "color": look.text}
    axes.text(column + 0.5, row + 0.5, **text, ha="center", va="center", fontsize=7.5)
