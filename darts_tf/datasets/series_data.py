"""A series in memory, how it is scaled, and the description of it that a run folder keeps."""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import split_description
from darts_tf.datasets.fingerprint import hash_settings

TRANSFORMS = ("levels", "log_returns")
_KIND, _COUNTED, _SPLIT = "series", "rows", "part of the series"
# What a network that was trained on the series depends on.
_DECISIVE = ("columns", "transform", "window", "horizon", "fingerprint")


class Scaling(NamedTuple):
    """How numbers become what a network computes with, from the training part alone.

    Attributes:
        transform: "levels", or "log_returns": log(x_t / x_{t-1}).
        center, deviation: mean and standard deviation of that, one number a column.
        change: root of the mean square of what is foretold, by column: the change of the level, or
            of its logarithm, in `horizon` steps.
    """

    transform: str
    center: tuple[float, ...]
    deviation: tuple[float, ...]
    change: tuple[float, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesData:
    """A series of several columns in three parts, which follow each other in time.

    An example is a row that is to be foretold, from the `window` rows that end `horizon` rows
    before it; those may lie in the part before, as in the benchmark of Lai et al., SIGIR 2018.

    Args:
        name: what it was loaded as.
        columns: their names.
        values: float64 `[rows, columns]`, in the data's own units.
        bounds: the rows that the validation and the test part begin with.
        window: rows that are known.
        horizon: how many rows after the last known one is to be foretold, from 1.
        transform: see `Scaling`.
        times: `[rows]`, or None.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    bounds: tuple[int, int]
    window: int
    horizon: int
    transform: str = "levels"
    times: np.ndarray | None = None

    @property
    def first(self) -> int:
        """The first row that can be foretold."""
        return self.window + self.horizon - 1

    @property
    def train(self) -> range:
        """The rows that are foretold in training."""
        return range(self.first, self.bounds[0])

    @property
    def validation(self) -> range:
        """The rows that decide when a training ends."""
        return range(self.bounds[0], self.bounds[1])

    @property
    def test(self) -> range:
        """The rows that are foretold once, in the end."""
        return range(self.bounds[1], len(self.values))

    def targets(self, rows: range) -> np.ndarray:
        """The values to be foretold, `[len(rows), columns]`."""
        return self.values[rows.start : rows.stop]

    def last_values(self, rows: range) -> np.ndarray:
        """The last known row before each of `rows`, of the same shape."""
        return self.values[rows.start - self.horizon : rows.stop - self.horizon]

    @functools.cached_property
    def scaling(self) -> Scaling:
        """Of the training part."""
        known = self.values[: self.bounds[0]]
        levels = np.log(known) if self.transform == "log_returns" else known
        seen = np.diff(levels, axis=0) if self.transform == "log_returns" else levels
        deviation = seen.std(axis=0)
        change = _change(levels, self.horizon, deviation)
        found = (tuple(x.tolist()) for x in (seen.mean(axis=0), deviation, change))
        return Scaling(self.transform, *found)

    @functools.cached_property
    def change(self) -> tuple[float, ...]:
        """The root mean square of a level's change in `horizon` steps of the training part."""
        known = self.values[: self.bounds[0]]
        return tuple(_change(known, self.horizon, known.std(axis=0)).tolist())

    def description(self) -> dict:
        """The contents of a run's `data.json`: all but the numbers, of which it has hashes."""
        splits = {name: getattr(self, name) for name in split_description.SPLITS}
        return {
            "kind": _KIND,
            "name": self.name,
            "columns": list(self.columns),
            "transform": self.transform,
            "window": self.window,
            "horizon": self.horizon,
            **split_description.counts({name: len(one) for name, one in splits.items()}, _COUNTED),
            "first_row": self.values[0].tolist(),
            "scaling": {
                **{key: _plain(value) for key, value in self.scaling._asdict().items()},
                "level_change": list(self.change),
            },
            "fingerprint": split_description.hashes(
                {name: self.targets(one) for name, one in splits.items()}
            ),
        }


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _change(levels, horizon, deviation) -> np.ndarray:
    change = np.sqrt(np.mean(np.square(levels[horizon:] - levels[:-horizon]), axis=0))
    # A column whose period is the horizon never changes.
    return np.where(change > 0, change, deviation)


def difference(before: dict, now: dict) -> str | None:
    """Says in which way a series is another one than before.

    Args:
        before: a `SeriesData.description()` that was kept.
        now: that of the present series.

    Returns:
        The first difference; None if there is none. The name is not compared, because it may be
        that of a file.
    """
    if before.get("kind") != now["kind"]:
        return "the data were no series and are one now"
    for key in ("columns", "transform", "window", "horizon"):
        if before[key] != now[key]:
            return f"the series' {key} was {before[key]} and is now {now[key]}"
    return split_description.difference(before, now, _COUNTED, _SPLIT, _COUNTED)


def digest(description: dict) -> str:
    """One hash of all that a network trained on the series depends on.

    Args:
        description: a `SeriesData.description()`, or what was kept of one.
    """
    return hash_settings(description, _DECISIVE)


def load_description(path) -> dict:
    """Reads and checks a `data.json` that was written from `SeriesData.description()`.

    Raises:
        UserError: the file cannot be read, or does not describe a series.
    """
    description = split_description.read(path, _KIND, "a series")
    columns = description.get("columns")
    if not (isinstance(columns, list) and columns and all(isinstance(x, str) for x in columns)):
        raise UserError(f"{path}: columns is {columns!r:.60}, expected a list of names")
    first = description.get("first_row")
    if not isinstance(first, list) or [type(x) for x in first] != [float] * len(columns):
        raise UserError(f"{path}: first_row is {first!r:.60}, expected a number for each column")
    if description.get("transform") not in TRANSFORMS:
        raise UserError(
            f"{path}: transform is {description.get('transform')!r}, expected one of "
            f"{', '.join(TRANSFORMS)}"
        )
    for key in ("window", "horizon"):
        split_description.check_number(path, description, key)
    split_description.check(path, description, _COUNTED, _SPLIT)
    return description
