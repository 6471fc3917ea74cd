"""From a file of numbers in columns to a table; what is wrong is named by its line and column."""

import csv
import dataclasses
import datetime
import gzip
import math
import pathlib
import zlib

import numpy as np

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets.text_reading import check_size, decode

_DELIMITERS = (",", ";", "\t")
_MISSING = ("", "na", "n/a", "nan", "null", "none")
# A first column of one of these names holds times also where they are numbers; tables of pandas
# have an index without a name there.
_TIME_NAMES = ("", "date", "datetime", "index", "time", "timestamp", "year")
# What a file that gzip has packed begins with.
_GZIP = b"\x1f\x8b"


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Numbers in columns, one row after the other in time.

    Attributes:
        name: the file's, for messages.
        columns: the names; "1", "2" and so on where the file has none.
        values: float64 `[rows, columns]`, NaN where one is missing.
        lines: the line of the file that a row stands in, `[rows]`.
        times: ascending, `[rows]`: datetime64 or float64; None for a file without.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    lines: np.ndarray
    times: np.ndarray | None = None

    def place(self, row: int, column: int) -> str:
        """Where a cell stands, for messages."""
        return f"{self.name}, line {self.lines[row]:,}, column {self.columns[column]!r}"


def read_table(path, time_column: str | None = None) -> Table:
    """Reads a text file, which may be packed by gzip.

    Cells are divided by commas, semicolons, tabs or else blanks; a number has a decimal point. The
    first line holds the names of the columns if its first cell is neither a number nor a date, or
    if none of its cells is a number.

    Args:
        path: of the file.
        time_column: name of the column that holds times. By default it is the first one if it
            holds dates or is named as one that does ("date", "time", "year", ...). Times are
            numbers or dates as ISO 8601 writes them (2004-08-19, 2004-08-19T16:00).

    Raises:
        UserError: the file cannot be read; a cell is neither a number nor missing; rows differ in
            length; times do not ascend.
    """
    name = str(path)
    rows, lines = _rows(_read(pathlib.Path(path)), name)
    header = _is_header(rows[0])
    names = [cell.strip() for cell in rows[0]] if header else _numbered(rows[0])
    if header:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise UserError(f"{name} has a line of names and no numbers")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise UserError(
                f"{name}, line {line:,} has {len(row)} cells, but there are {len(names)} columns: "
                "all rows must be of one length"
            )
    found = _time_column(names, rows, time_column, name, header)
    times = None
    if found is not None:
        cells = [row.pop(found) for row in rows]
        times = _times(cells, lines, f"{name}, line {{:,}}, column {names.pop(found)!r}")
    if not names:
        raise UserError(f"{name} has no columns but that of the times")
    _check_names(names, name)
    table = Table(name, tuple(names), np.empty((len(rows), len(names))), np.array(lines), times)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            table.values[number, column] = _number(cell, table, number, column)
    return table


def _read(path) -> str:
    try:
        reading.check_regular(path)
        check_size(path.stat().st_size, str(path))
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
            check_size(len(content), str(path))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is damaged, gzip cannot unpack it: {error}") from error
    except OSError as error:
        raise UserError(f"cannot read the series {path}: {error.strerror or error}") from error
    return decode(content, str(path))


def _rows(text, name):
    """The cells of every line that is not empty, and the lines' numbers."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UserError(f"{name} is empty: expected numbers in columns")
    delimiter = max(_DELIMITERS, key=first.count)
    if not first.count(delimiter):
        numbered = [(line.split(), i) for i, line in enumerate(lines, 1) if line.strip()]
        rows, numbers = zip(*numbered, strict=True)
        return list(map(list, rows)), list(numbers)
    rows, numbers = [], []
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if row:
                rows.append(row)
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num:,}: {error}") from error
    return rows, numbers


def _is_header(row) -> bool:
    if not any(map(_is_number, row)):
        return not _is_date(row[0])
    first = row[0].strip()
    return first != "" and not _is_number(first) and not _is_date(first)


def _numbered(row) -> list[str]:
    return [str(number) for number in range(1, len(row) + 1)]


def _time_column(names, rows, wanted, name, header) -> int | None:
    if wanted is not None:
        if wanted not in names:
            raise UserError(
                f"{name} has no column {wanted!r} for the times; its columns are "
                f"{', '.join(map(repr, names))}"
            )
        return names.index(wanted)
    first = rows[0][0].strip()
    if _is_date(first) and not _is_number(first):
        return 0
    return 0 if header and len(names) > 1 and names[0].lower() in _TIME_NAMES else None


def _times(cells, lines, place) -> np.ndarray:
    """Numbers if the first one is, else dates; refuses what is not after the one before it."""
    parse = float if _is_number(cells[0]) else _date
    times = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            time = parse(cell.strip())
        except ValueError:
            time = None
        if time is None or (parse is float and not math.isfinite(time)):
            kind = "number" if parse is float else "date as 2004-08-19 or 2004-08-19T16:00"
            raise UserError(f"{place.format(line)}: the time is {cell!r:.60}, expected a {kind}")
        if times and time <= times[-1]:
            what = "the time of the row before again" if time == times[-1] else "earlier than that"
            raise UserError(
                f"{place.format(line)}: {cell!r:.60} is {what}"
                + (" of the row before" if time < times[-1] else "")
                + "; sort the rows by time and keep one of a time"
            )
        times.append(time)
    return np.array(times, "datetime64[us]" if parse is _date else "float64")


def _date(text: str) -> datetime.datetime:
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo is None else time.astimezone(datetime.UTC).replace(tzinfo=None)


def _is_date(text: str) -> bool:
    try:
        _date(text.strip())
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_names(names, name) -> None:
    for column in names:
        if names.count(column) > 1:
            raise UserError(f"{name} has several columns {column!r}; give each a name of its own")


def _number(cell, table, row, column) -> float:
    text = cell.strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        hint = ", or name the column of times" if _is_date(text) else ""
        raise UserError(
            f"{table.place(row, column)}: {text!r:.60} is no number; leave the column out{hint}, "
            "or write numbers with a decimal point"
        ) from None
    if math.isinf(number):
        raise UserError(f"{table.place(row, column)}: {text!r:.60} is infinite")
    return number
