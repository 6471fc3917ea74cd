"""The signs of a collapse, by epoch."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from darts_tf.common.errors import UserError
from darts_tf.plots import style
from darts_tf.plots.history import points

_PREFIX = "parameter_free_"
_PANELS = {
    "entropy": "Entropy of the operation weights (nats)",
    "none_share": "Share of none",
    "eigenvalue": "Largest eigenvalue of the\nvalidation Hessian",
}


def plot_collapse(records: Sequence[Mapping], path) -> None:
    """Draws what a `CollapseMonitor` measured: operations without parameters, entropy, and so on.

    Epochs in which it had reason to warn have a grey background.

    Args:
        records: one mapping an epoch, as in `metrics.jsonl`. Panels for which no record has a
            value are left out.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.

    Raises:
        UserError: no record has any of these values; the suffix of `path` is another one.
    """
    path = style.check_path(path)
    free = sorted({key for record in records for key in record if key.startswith(_PREFIX)})
    panels = [("Edges without parameters", free)] if free else []
    panels += [(title, [key]) for key, title in _PANELS.items() if points(records, key)]
    if not panels:
        raise UserError("nothing to draw: expected records of a search with a CollapseMonitor")
    with style.context():
        figure = Figure(figsize=(3.6 * len(panels), 3.5), layout="constrained")
        style.heading(figure, "Signs of a collapse")
        subplots = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, keys) in zip(subplots, panels, strict=True):
            _draw(axes, records, title, keys)
        style.save(figure, path)


def _draw(axes, records, title, keys) -> None:
    for i, key in enumerate(keys):
        x, y = zip(*points(records, key), strict=True)
        label = key.removeprefix(_PREFIX)
        axes.plot(x, y, label=label, **style.curve(i, len(x)))
    for epoch, alarms in points(records, "collapse_warnings"):
        if alarms:
            axes.axvspan(epoch - 0.5, epoch + 0.5, color="0.9", linewidth=0, zorder=0)
    style.panel(axes, title, "epoch")
    # Room above, which autoscaling leaves for the range of the values only.
    lowest, highest = axes.dataLim.intervaly
    axes.set_ylim(min(0, lowest), 1.05 * highest if highest > 0 else 1)
    if len(keys) > 1:
        style.legend(axes)
