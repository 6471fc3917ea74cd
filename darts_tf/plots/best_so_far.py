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


def plot_best_so_far(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    path,
    *,
    best: Mapping[str, float] | None = None,
    xlabel: str = "architectures evaluated",
    title: str = "",
) -> None:
    """Draws for every method the mean over its seeds, and a band of one standard deviation.

    Args:
        panels: what is measured, the label of a panel's y axis -> method -> `[seeds, evaluations]`.
        path: the picture, `.svg` or `.png`.
        best: label -> the best value that there is, a dotted line.
        xlabel: of all panels.
        title: above the panels.

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
                _draw(axes, name, np.asarray(values), _COLOURS[i % len(_COLOURS)])
            low = min(np.mean(values, axis=0)[: _SKIPPED + 1][-1] for values in curves.values())
            high = max(np.max(values) for values in curves.values())
            if best is not None:
                high = best[label]
                axes.axhline(high, color=style.INK, lw=0.8, ls="dotted")
            margin = 0.05 * (high - low) or 1.0
            axes.set_ylim(low - 4 * margin, high + margin)
            axes.set_xlabel(xlabel)
            axes.set_ylabel(label)
        axes.legend(loc="lower right")
        figure.suptitle(title)
        style.save(figure, path)


def _draw(axes, name, values, colour):
    means, spreads = values.mean(axis=0), values.std(axis=0)
    evaluations = np.arange(1, len(means) + 1)
    seeds = f"{len(values)} seed{'s' if len(values) > 1 else ''}"
    axes.plot(evaluations, means, color=colour, label=f"{name}, {seeds}")
    axes.fill_between(evaluations, means - spreads, means + spreads, color=colour, alpha=0.2, lw=0)
