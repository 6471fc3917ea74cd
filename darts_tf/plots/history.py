"""Training curves."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from darts_tf.common.errors import UserError
from darts_tf.plots import style

#: Name -> (heading, whether it is a share, shown in per cent), as of `Task.curves`.
Curves = Mapping[str, tuple[str, bool]]
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
        figure = Figure(figsize=(5 * len(panels), 3.6), layout="constrained")
        style.heading(figure, title)
        for axes, (metric, panel) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
        ):
            _draw(axes, records, metric, *panel)
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
