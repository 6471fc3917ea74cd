"""How undecided a search is, step by step."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from darts_tf.common.errors import UserError
from darts_tf.plots import style
from darts_tf.spaces import Space

_COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.ORANGE)


def plot_entropy(
    records: Sequence[Mapping], space: Space, path, title: str = "Entropy of the operation weights"
) -> None:
    """Draws the entropy of each cell type's operation weights after every step, in nats.

    A dotted line is the largest that there is: equal weights of all candidates of every edge.

    Args:
        records: one mapping an epoch, as in a search's `metrics.jsonl`, with `entropy_by_step`:
            cell type -> a value for each step.
        space: the search space.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        title: a heading.

    Raises:
        UserError: no record has entropies; the suffix of `path` is another one.
    """
    path = style.check_path(path)
    if not any(record.get("entropy_by_step") for record in records):
        raise UserError("no entropy to draw: expected records with entropy_by_step")
    with style.context():
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        for cell_type, colour in zip(space.cell_types, _COLOURS, strict=False):
            _draw(axes, records, space, cell_type, colour)
        axes.set_title(title, fontsize=11, loc="left")
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats, summed over the edges")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="#E4E4E4")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, handlelength=3)
        style.save(figure, path)


def points(records: Sequence[Mapping], cell_type: str) -> tuple[list[float], list[float]]:
    """(epochs, entropies) after every step of a cell type; a step is a fraction of an epoch."""
    epochs, entropies = [], []
    for i, record in enumerate(records):
        by_step = record.get("entropy_by_step", {}).get(cell_type, [])
        epochs += [i + (k + 1) / len(by_step) for k in range(len(by_step))]
        entropies += by_step
    return epochs, entropies


def _draw(axes, records, space, cell_type, colour):
    limit = float(np.log(space.mask(cell_type).sum(-1)).sum())
    axes.plot(*points(records, cell_type), color=colour, linewidth=1.8, label=cell_type)
    axes.axhline(limit, color=colour, linestyle=":", linewidth=1.2)
