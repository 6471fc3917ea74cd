"""Training curves."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from darts_tf.common.errors import UserError
from darts_tf.plots import style

#: Name -> (heading, whether it is a share, shown in per cent), as of `Task.curves`.
Curves = Mapping[str, tuple[str, bool]]
# More panels in a line are too small to be read.
_MOST_ACROSS = 3
_CURVES: Curves = {"loss": ("Loss", False), "accuracy": ("Accuracy", True)}


def plot_history(
    records: Sequence[Mapping], path, title: str | None = None, curves: Curves | None = None
) -> None:
    """Draws loss and metrics by epoch, of the training and of the validation data.

    Args:
        records: one mapping an epoch, as in `metrics.jsonl`, with Keras' names: `loss`,
            `accuracy`, `val_loss`, `val_accuracy`, and `epoch` (counted from 1; without it the
            records are numbered). Values that are missing are left out of the picture.
        path: the file to write; its suffix, `.svg` or `.png`, chooses the format.
        title: a heading, or None.
        curves: what is drawn, each in a panel. Default: loss and accuracy.

    Raises:
        UserError: no record has any of these values; the suffix of `path` is another one.
    """
    path = style.check_path(path)
    curves = _CURVES if curves is None else curves
    panels = {
        metric: panel
        for metric, panel in curves.items()
        if points(records, metric) or points(records, f"val_{metric}")
    }
    if not panels:
        *names, last = [*curves, *(f"val_{name}" for name in curves)]
        raise UserError(
            f"no training curve to draw: expected records with {', '.join(names)} or {last}"
        )
    with style.context():
        across = min(len(panels), _MOST_ACROSS)
        down = -(-len(panels) // across)
        figure = Figure(figsize=(5 * across, 3.6 * down), layout="constrained")
        style.heading(figure, title)
        grid = figure.add_gridspec(down, across)
        for number, (metric, panel) in enumerate(panels.items()):
            _draw(figure.add_subplot(grid[divmod(number, across)]), records, metric, *panel)
        style.save(figure, path)


def points(records, key) -> list[tuple[float, float]]:
    """(epoch, value) of every record that has a value of that key."""
    return [
        (record.get("epoch", i), record[key])
        for i, record in enumerate(records, start=1)
        if record.get(key) is not None
    ]


def _draw(axes, records, metric, name, share) -> None:
    curves = (
        ("training", metric, style.BLUE, "o", "-"),
        ("validation", f"val_{metric}", style.VERMILION, "s", "--"),
    )
    for label, key, colour, marker, line in curves:
        found = points(records, key)
        if not found:
            continue
        axes.plot(
            *zip(*found, strict=True),
            color=colour,
            linestyle=line,
            label=label,
            **style.markers(len(found), marker),
        )
    style.panel(axes, name, "epoch")
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    style.legend_above(axes)
