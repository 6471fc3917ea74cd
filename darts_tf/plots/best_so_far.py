"""How good the best of the first n evaluations is, over n and over seeds."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from darts_tf.common.errors import UserError
from darts_tf.plots import style

# The y axis begins near the worst mean after so many evaluations: the first ones are far below
# what is worth comparing.
_SKIPPED = 9
_COLOURS = (style.GREY, style.BLUE, style.ORANGE, style.GREEN, style.VERMILION, style.SKY)
# Deviations are drawn after so many evaluations of each curve, beside those of the others.
_BARS = 6


def plot_best_so_far(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    path,
    *,
    best: Mapping[str, float] | None = None,
    xlabel: str = "architectures evaluated",
    title: str = "The best so far, mean and standard deviation over the seeds",
) -> None:
    """Draws for every method the mean over its seeds, with bars of one standard deviation.

    Bars of different methods stand beside each other, where bands would lie on one another.

    Args:
        panels: what is measured, the label of a panel's y axis -> method -> `[seeds, evaluations]`.
        path: the picture, `.svg` or `.png`.
        best: label -> the best value that there is, a dotted line.
        xlabel: of all panels.
        title: above the panels. Default: what is drawn.

    Raises:
        UserError: there is nothing to draw, or the suffix is another one.
    """
    path = style.check_path(path)
    if not panels or not all(panels.values()):
        raise UserError("there are no searches to draw")
    with style.context():
        figure = Figure(figsize=(1.6 + 4.8 * len(panels), 4.2), layout="constrained")
        for axes, (label, curves) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            for i, (name, values) in enumerate(curves.items()):
                place = (i + 1) / (len(curves) + 1)
                _draw(axes, name, np.asarray(values), _COLOURS[i % len(_COLOURS)], place)
            low = min(np.mean(values, axis=0)[: _SKIPPED + 1][-1] for values in curves.values())
            high = max(np.max(values) for values in curves.values())
            if best is not None:
                high = best[label]
                axes.axhline(high, color=style.INK, lw=0.8, ls="dotted", label="the best there is")
            margin = 0.05 * (high - low) or 1.0
            axes.set_ylim(low - 4 * margin, high + margin)
            style.panel(axes, label, xlabel)
        # Below the panels, where no curve runs through it.
        handles = axes.get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower left", frameon=False, fontsize=9, ncols=3)
        style.heading(figure, title)
        style.save(figure, path)


def _draw(axes, name, values, colour, place):
    means, spreads = values.mean(axis=0), values.std(axis=0)
    evaluations = np.arange(1, len(means) + 1)
    seeds = f"{len(values)} seed{'s' if len(values) > 1 else ''}"
    axes.plot(evaluations, means, color=colour, label=f"{name}, {seeds}")
    # Within each of a few equal parts of the axis a method has its own place.
    ends = np.linspace(0, len(means), min(_BARS, len(means)) + 1)
    at = np.unique(np.floor(ends[:-1] + place * np.diff(ends)).astype(int))
    low, high = (means - spreads)[at], (means + spreads)[at]
    axes.vlines(evaluations[at], low, high, color=colour, linewidth=1.4, alpha=0.8)
