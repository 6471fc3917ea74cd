"""Forecasts beside what came."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from darts_tf.common.errors import UserError
from darts_tf.plots import style

# More columns and rows than that are too small to be seen.
_MOST_COLUMNS = 8
_MOST_ROWS = 250


def plot_forecasts(
    targets,
    forecasts,
    path,
    columns: Sequence[str],
    *,
    times=None,
    title: str | None = None,
) -> None:
    """Draws the last rows of every column, a panel each.

    Args:
        targets, forecasts: `[rows, columns]`, in the series' own units.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        columns: their names; the first eight are drawn.
        times: of the rows, numbers or datetime64; default: the rows are numbered.
        title: a heading, or None.

    Raises:
        UserError: there is nothing to draw, the shapes differ, or the suffix is another one.
    """
    path = style.check_path(path)
    targets, forecasts = np.asarray(targets), np.asarray(forecasts)
    if targets.shape != forecasts.shape or targets.ndim != 2 or not targets.size:
        raise UserError(
            f"targets {list(targets.shape)} and forecasts {list(forecasts.shape)}: expected both "
            "of one shape [rows, columns]"
        )
    times = np.arange(len(targets)) if times is None else np.asarray(times)
    targets, forecasts, times = (x[-_MOST_ROWS:] for x in (targets, forecasts, times))
    names = list(columns)[:_MOST_COLUMNS]
    across = min(2, len(names))
    down = -(-len(names) // across)
    with style.context():
        figure = Figure(figsize=(5.6 * across, 2.6 * down + 0.5), layout="constrained")
        style.heading(figure, title)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for number, axes in enumerate(panels):
            if number >= len(names):
                axes.remove()
                continue
            _draw(axes, times, targets[:, number], forecasts[:, number], names[number])
        style.legend_above(panels[0])
        style.save(figure, path)


def _draw(axes, times, target, forecast, name) -> None:
    axes.plot(times, target, color=style.INK, linewidth=1.6, label="what came")
    axes.plot(
        times, forecast, color=style.VERMILION, linewidth=1.2, linestyle="--", label="forecast"
    )
    style.panel(axes, name, counted=False)
    axes.tick_params(axis="x", labelsize=8)
    for label in axes.get_xticklabels():
        label.set_rotation(20)
