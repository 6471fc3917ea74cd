"""How the cost of a search grows with its sizes, such as cells, channels and batch size."""

import csv
import dataclasses
import io
import json
import math
import pathlib
from collections.abc import Callable

from darts_tf.benchmark import comparison
from darts_tf.benchmark.measurement import Measurement
from darts_tf.common.errors import UserError
from darts_tf.runs import run_folder


@dataclasses.dataclass(frozen=True)
class Grid:
    """The sizes that are measured: flags of `train.benchmark`.

    Attributes:
        base: the value of each.
        axes: the values of each, while all others are those of `base`.
        labels: what each is called in the picture.
    """

    base: dict[str, int]
    axes: dict[str, tuple[int, ...]]
    labels: dict[str, str]

    def points(self) -> list[dict]:
        """All different sizes, small ones first."""
        found = [{**self.base, axis: v} for axis, values in self.axes.items() for v in values]
        unique = {tuple(point.values()): point for point in found}.values()
        return sorted(unique, key=lambda point: math.prod(point.values()))


IMAGES = Grid(
    {"cells": 8, "channels": 16, "batch_size": 16},
    {
        "cells": (5, 8, 14, 20),
        "channels": (8, 16, 32, 36),
        "batch_size": (8, 16, 32, 64, 96),
    },
    {"cells": "cells", "channels": "channels", "batch_size": "batch size"},
)
TEXTS = Grid(
    {"channels": 300, "bptt": 35, "batch_size": 64},
    {"channels": (75, 150, 300), "bptt": (9, 18, 35), "batch_size": (16, 32, 64)},
    {"channels": "units", "bptt": "steps of a window", "batch_size": "batch size"},
)
_MEASURED = (
    *("step_seconds", "step_cpu_seconds", "startup_seconds"),
    *("peak_memory_gb", "estimated_memory_gb", "weights"),
)


def name(point: dict) -> str:
    """A point as flags."""
    return " ".join(f"--{key}={value}" for key, value in point.items())


def measure(
    grid: Grid,
    configure: Callable[[str], comparison.Configuration],
    settings: dict,
    path: pathlib.Path,
    report: Callable[[str], None],
) -> dict[str, Measurement]:
    """Measures all points, one run each; `name(point)` -> run.

    Args:
        grid: has the points.
        configure: from a point's name to the configuration.
        settings: what all runs have in common.
        path: a JSON file that keeps the runs; those that it holds already are not repeated.
        report: is told of every run that has ended, in a line.

    Raises:
        UserError: the file was written with other settings.
    """
    stored = {**settings, "runs": {}}
    if path.exists():
        stored = json.loads(path.read_text())
        if {**stored, **settings} != stored:
            raise UserError(
                f"{path} was measured with other flags; give another folder, or remove the file"
            )
    for point in grid.points():
        if name(point) not in stored["runs"]:
            run = comparison.run(configure(name(point)))
            report(f"{name(point)}: {comparison.describe(run)}")
            stored["runs"][name(point)] = run.to_dict()
            run_folder.write_file(path, json.dumps(stored, indent=1) + "\n")
    return {text: Measurement(**run) for text, run in stored["runs"].items()}


def rows(grid: Grid, results: dict[str, Measurement]) -> list[dict]:
    """The points that were measured (`name(point)` -> run), one dictionary each."""
    found = []
    for point in grid.points():
        if (run := results.get(name(point))) is not None:
            estimate = run.estimated_memory_bytes
            cpu = run.turn_cpu_medians
            values = (
                *(run.median_step_seconds, None if cpu is None else cpu[0], run.startup_seconds),
                run.peak_memory_bytes / 1e9,
                *(None if estimate is None else estimate / 1e9, run.weights),
            )
            found.append({**point, **dict(zip(_MEASURED, values, strict=True))})
    return found


def write_csv(grid: Grid, results: dict[str, Measurement], path) -> None:
    """Writes the rows as comma-separated values, rounded to what can be trusted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, (*grid.base, *_MEASURED), lineterminator="\n")
    writer.writeheader()
    for row in rows(grid, results):
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(rounded)
    run_folder.write_file(pathlib.Path(path), text.getvalue())


def plot(grid: Grid, results: dict[str, Measurement], path) -> None:
    """Draws step time, peak memory and start-up over each of the sizes.

    A dotted line from the origin through the smallest size shows what proportional growth would
    be.
    """
    from darts_tf.plots import style

    path = style.check_path(path)
    with style.context():
        style.save(figure(grid, results), path)


def figure(grid: Grid, results: dict[str, Measurement]):
    """The matplotlib figure of `plot`."""
    from matplotlib.figure import Figure

    from darts_tf.plots import style

    quantities = (
        ("step_seconds", "step, s"),
        ("peak_memory_gb", "peak memory, GB"),
        ("startup_seconds", "start-up, s"),
    )
    drawn = Figure(figsize=(9, 7), layout="constrained")
    base = ", ".join(f"{grid.labels[size]} {value}" for size, value in grid.base.items())
    style.heading(drawn, f"What a search costs, from {base}")
    axes = drawn.subplots(len(quantities), len(grid.axes), sharey="row", sharex="col")
    found = rows(grid, results)
    for column, size in enumerate(grid.axes):
        others = {k: v for k, v in grid.base.items() if k != size}
        line = [row for row in found if all(row[k] == v for k, v in others.items())]
        line.sort(key=lambda row: row[size])
        for row, (quantity, label) in enumerate(quantities):
            axis = axes[row][column]
            x, y = [r[size] for r in line], [r[quantity] for r in line]
            axis.plot(x, y, color=style.BLUE, **style.markers(len(x)))
            if x:
                axis.plot([0, x[-1]], [0, y[0] * x[-1] / x[0]], ":", color=style.GREY, linewidth=1)
            # The dotted lines may leave the picture, the others not.
            axis.set_ylim(0, 1.08 * max((r[quantity] for r in found), default=1))
            name = grid.labels[size] if row == len(quantities) - 1 else ""
            style.panel(axis, "" if column else label, name, counted=False)
            axis.margins(x=0.08)
    drawn.supxlabel("dotted: proportional to the first point", fontsize=9, x=0.01, ha="left")
    return drawn
