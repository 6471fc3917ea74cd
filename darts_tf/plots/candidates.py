"""What candidates that were trained one after the other have reached."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from darts_tf.common.errors import UserError
from darts_tf.plots import style


def plot_candidates(
    values: Sequence[float],
    path,
    label: str = "Validation accuracy",
    *,
    rungs: Sequence[int] | None = None,
    larger_is_better: bool = True,
    share: bool = True,
) -> None:
    """Draws every evaluation as a point, and the best so far of its rung as a line.

    Args:
        values: of the evaluations, in their order.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        label: what they are.
        rungs: how often a candidate had been evaluated before, for each value; those of different
            rungs were trained for different times and are not compared. Default: never.
        larger_is_better: whether the largest value is the best.
        share: whether values are shares, shown in per cent.

    Raises:
        UserError: there is no finite value, there are not as many rungs, or the suffix is another.
    """
    path = style.check_path(path)
    values = np.asarray(values, float)
    rungs = np.zeros(len(values), int) if rungs is None else np.asarray(rungs, int)
    if len(rungs) != len(values):
        raise UserError(f"{len(rungs)} rungs of {len(values)} values: expected one for each")
    if not np.isfinite(values).any():
        raise UserError("there is no evaluation to draw: expected finite values")
    best = np.fmax if larger_is_better else np.fmin
    numbers, found = np.arange(1, len(values) + 1), np.unique(rungs)
    with style.context():
        figure = Figure(figsize=(7.5, 3.6), layout="constrained")
        axes = figure.subplots()
        for place, rung in enumerate(found):
            of_rung = rungs == rung
            colour = style.CURVES[place % len(style.CURVES)]
            name = "evaluations" if len(found) == 1 else f"rung {rung}"
            x, y = numbers[of_rung], values[of_rung]
            axes.plot(x, y, linestyle="", marker="o", markersize=4, color=colour, label=name)
            # The best of a rung stays until the end.
            x, y = np.append(x, numbers[-1]), np.append(best.accumulate(y), best.reduce(y))
            axes.plot(x, y, drawstyle="steps-post", color=colour, linewidth=1.2, alpha=0.7)
        style.panel(axes, label, "evaluation; lines: the best so far")
        if share:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        style.legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        style.save(figure, path)
