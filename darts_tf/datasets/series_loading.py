"""From a name or a path to a `SeriesData`."""

import math
import os
from collections.abc import Sequence

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.common.lookup import lookup
from darts_tf.datasets.series_data import TRANSFORMS, SeriesData
from darts_tf.datasets.series_reading import Table, read_table

#: The series that needs no file: a share's daily prices, which come with matplotlib.
EMBEDDED = "goog"
_EMBEDDED_COLUMNS = ("open", "high", "low", "close")
PORTIONS = (0.6, 0.2, 0.2)
#: What may be done where values are missing.
MISSING = ("error", "ffill")
# By how much of its change in a step a number may be wrong in float32.
_ROUNDING = 0.05


def load_series(
    name_or_path,
    *,
    window: int = 24,
    horizon: int = 1,
    columns: Sequence[str] = (),
    time_column: str | None = None,
    transform: str = "levels",
    portions: Sequence[float] = PORTIONS,
    missing: str = "error",
) -> SeriesData:
    """Reads a series into memory.

    Args:
        name_or_path: one of

            * `"goog"`: the daily prices of Google's share from August 2004 to October 2008 (open,
              high, low, close), 1,047 days, which come with matplotlib as its sample data;
            * a text file with a column for each series, see
              `darts_tf.datasets.series_reading.read_table`.

        window: rows that a forecast is made from.
        horizon: how many rows after the last known one is foretold.
        columns: the names of those that are used, in this order; all by default.
        time_column: see `read_table`.
        transform: what a network sees: "levels", the numbers themselves, or "log_returns", the
            differences of their logarithms. Forecasts are of the numbers themselves in either case.
        portions: of training, validation and test part.
        missing: "error", or "ffill": a missing value is that of the row before.

    Raises:
        UserError: the series cannot be found, read or used.
    """
    lookup("transform of a series", dict.fromkeys(TRANSFORMS), transform)
    lookup("treatment of missing values", dict.fromkeys(MISSING), missing)
    for key, value in (("window", window), ("horizon", horizon)):
        if value < 1:
            raise UserError(f"the {key} is {value}; it must be 1 or more")
    if transform == "log_returns" and window < 2:
        raise UserError("a log return needs two rows: give a window of 2 or more")
    name = os.fspath(name_or_path)
    if not name:
        raise UserError(f"the series has no name: give {EMBEDDED!r}, or the path of a file")
    table = _embedded() if name == EMBEDDED else _of_file(name, time_column)
    table = _chosen(table, tuple(columns))
    _fill(table, missing)
    if transform == "log_returns":
        _check_positive(table)
    data = SeriesData(
        EMBEDDED if name == EMBEDDED else os.path.basename(name).split(".")[0],
        table.columns,
        table.values,
        _bounds(len(table.values), portions),
        window,
        horizon,
        transform,
        table.times,
    )
    _check_parts(data, portions)
    _check_columns(data)
    return data


def _embedded() -> Table:
    # It loads fonts, which servers do not need.
    from matplotlib import cbook

    try:
        found = cbook.get_sample_data("goog.npz")["price_data"]
    except (OSError, KeyError) as error:
        raise UserError(
            f"the series {EMBEDDED!r} is missing in this matplotlib, which was installed without "
            "its sample data: install matplotlib with pip, or give a file"
        ) from error
    values = np.stack([found[column] for column in _EMBEDDED_COLUMNS], axis=1)
    rows = np.arange(1, len(values) + 1)
    return Table(EMBEDDED, _EMBEDDED_COLUMNS, values, rows, found["date"].astype("datetime64[us]"))


def _of_file(name, time_column) -> Table:
    path = os.path.expanduser(name)
    if not os.path.exists(path):
        raise UserError(
            f"no series is called {name!r} and there is no such file: give {EMBEDDED!r} or the "
            "path of a file with numbers in columns"
        )
    if os.path.isdir(path):
        raise UserError(f"{name} is a folder: give a file with numbers in columns")
    return read_table(path, time_column)


def _chosen(table: Table, names) -> Table:
    if not names:
        return table
    for name in names:
        if name not in table.columns:
            raise UserError(
                f"{table.name} has no column {name!r}; its columns are "
                f"{', '.join(map(repr, table.columns))}"
            )
        if names.count(name) > 1:
            raise UserError(f"the column {name!r} was asked for twice")
    values = table.values[:, [table.columns.index(name) for name in names]]
    return Table(table.name, names, values, table.lines, table.times)


def _fill(table: Table, missing) -> None:
    """Fills missing values from the row before, or refuses them."""
    gaps = np.argwhere(np.isnan(table.values))
    if not len(gaps):
        return
    if missing == "error":
        raise UserError(
            f"{table.place(*gaps[0])}: the value is missing ({len(gaps):,} are, in all); fill them "
            "in, leave the column out, or take that of the row before: missing=ffill"
        )
    for row, column in gaps:
        if row == 0:
            raise UserError(
                f"{table.place(row, column)}: the first value is missing, and there is no row "
                "before it to take it from; leave out the rows or the column"
            )
        table.values[row, column] = table.values[row - 1, column]


def _check_positive(table: Table) -> None:
    for row, column in np.argwhere(table.values <= 0):
        raise UserError(
            f"{table.place(row, column)}: {table.values[row, column]:g} has no logarithm; use the "
            "transform levels, or leave the column out"
        )


def _bounds(rows: int, portions) -> tuple[int, int]:
    portions = tuple(portions)
    right = len(portions) == 3 and all(math.isfinite(x) and x > 0 for x in portions)
    if not right or not math.isclose(sum(portions), 1, abs_tol=1e-6):
        raise UserError(
            f"the portions are {', '.join(f'{x:g}' for x in portions)}; expected three numbers "
            "above 0 whose sum is 1, of the training, the validation and the test part"
        )
    # Sums of such numbers are not always what they are on paper.
    return tuple(math.floor(rows * sum(portions[:n]) + 1e-6) for n in (1, 2))


def _check_parts(data: SeriesData, portions) -> None:
    needed = data.first + 1
    if data.bounds[0] < needed:
        raise UserError(
            f"the training part of {data.name} has {data.bounds[0]:,} of {len(data.values):,} rows "
            f"({portions[0]:g} of them); a window of {data.window} and a horizon of {data.horizon} "
            f"need {needed:,}: give more rows, or a smaller window"
        )
    for split, rows in (("validation", data.validation), ("test", data.test)):
        if not len(rows):
            raise UserError(
                f"the {split} part of {data.name}, which has {len(data.values):,} rows, is empty: "
                "give more rows, or other portions"
            )


def _check_columns(data: SeriesData) -> None:
    known = data.values[: data.bounds[0]]
    for number, name in enumerate(data.columns):
        column, change = known[:, number], data.change[number]
        if not np.ptp(column):
            raise UserError(
                f"the column {name!r} of {data.name} is {column[0]:g} in all {len(column):,} rows "
                "of the training part, so that it cannot be scaled: leave it out (columns)"
            )
        if np.abs(data.values[:, number]).max() * np.finfo(np.float32).eps > _ROUNDING * change:
            raise UserError(
                f"the column {name!r} of {data.name} has values such as {column[0]:g} that change "
                f"by {change:.2g} only, which 32-bit numbers do not tell apart: subtract its "
                "first value from it"
            )
