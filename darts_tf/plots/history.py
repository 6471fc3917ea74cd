"""Training curves."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

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
        if title:
            figure.suptitle(title, fontsize=13, weight="bold", x=0.01, ha="left")
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
            marker=marker if len(found) <= 30 else None,
            markersize=4,
            linestyle=line,
            linewidth=1.8,
            label=label,
        )
    axes.set_title(name, fontsize=11, loc="left")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(axis="y", color="#E4E4E4")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, handlelength=3)
