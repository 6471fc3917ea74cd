"""How undecided a search is, step by step."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from darts_tf.common.errors import UserError
from darts_tf.plots import style
from darts_tf.spaces import Space

# Curves that move by less than this share of the largest entropy look like a line on it.
_STILL = 0.01


def plot_entropy(
    records: Sequence[Mapping], space: Space, path, title: str = "Entropy of the operation weights"
) -> None:
    """Draws the entropy of each cell type's operation weights after every step, in nats.

    A dotted line is the largest that there is: equal weights of all candidates of every edge. That
    the entropy has not moved is said.

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
        still = [
            _draw(axes, records, space, cell_type, number)
            for number, cell_type in enumerate(space.cell_types)
        ]
        style.panel(axes, title, "epoch")
        axes.set_ylabel("nats, summed over the edges")
        # What lies on the largest entropy is below the frame, and 0 is seen.
        axes.set_ylim(0, 1.12 * axes.dataLim.y1 or 1)
        style.legend(axes, loc="lower left")
        if all(still):
            text = "has not moved by more than 1 %: the search has decided nothing"
            axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes, fontsize=10)
        style.save(figure, path)


def points(records: Sequence[Mapping], cell_type: str) -> tuple[list[float], list[float]]:
    """(epochs, entropies) after every step of a cell type; a step is a fraction of an epoch."""
    epochs, entropies = [], []
    for i, record in enumerate(records):
        by_step = record.get("entropy_by_step", {}).get(cell_type, [])
        epochs += [i + (k + 1) / len(by_step) for k in range(len(by_step))]
        entropies += by_step
    return epochs, entropies


def _draw(axes, records, space, cell_type, number) -> bool:
    """Draws the entropy of a cell type; returns whether it has not moved."""
    limit = float(np.log(space.mask(cell_type).sum(-1)).sum())
    epochs, entropies = points(records, cell_type)
    look = style.curve(number, len(epochs))
    axes.plot(epochs, entropies, label=cell_type, **look)
    axes.axhline(limit, color=look["color"], linestyle=":", linewidth=1.2)
    return not entropies or np.ptp([*entropies, limit]) <= _STILL * limit
