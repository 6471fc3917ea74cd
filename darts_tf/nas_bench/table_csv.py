"""A table of architectures as a CSV file: which of its columns is what."""

import csv
import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.spaces import NAS_BENCH_201

ARCHITECTURE = "architecture"
INDEX = "index"

# The names of row numbers; pandas writes its own without a name.
_INDICES = (INDEX, "", "unnamed: 0")
_ACCURACY = re.compile(
    r"(^|[^a-z])(acc|accs|accuracy|accuracies|top1|top5|val|valid|validation|test|train"
    r"|cifar-?10|cifar-?100|imagenet|imagenet16)([^a-z]|$)"
)
# What is no accuracy, although it may be one of a test: counts, times, losses, deviations.
_OTHER = re.compile(
    r"flop|madd|param|latenc|time|second|hour|loss|std|stdev|deviation|variance|rank|size|memory"
    r"|energy|count|samples|(^|[^a-z])(mac|macs|ms|s|sec|err|error|errors|var|mb|gb|n|num)([^a-z]|$)"
)
_STRING = re.compile(
    r"\+".join(
        r"\|" + "".join(rf"(?:{'|'.join(NAS_BENCH_201.operations)})~{i}\|" for i in range(n + 1))
        for n in range(NAS_BENCH_201.nodes)
    )
)


@dataclasses.dataclass(frozen=True)
class Columns:
    """The contents of a file.

    Attributes:
        strings: the architectures, by their index if the file has one, otherwise as they stand.
        accuracies: name of a column -> percent, `[len(strings)]`.
        left_out: name of a column that is no accuracy -> why.
        shares: the names of those accuracies that the file has as shares of 1.
    """

    strings: list[str]
    accuracies: dict[str, np.ndarray]
    left_out: dict[str, str]
    shares: list[str]

    def describe(self) -> str:
        """One line for the user."""
        scaled = {name: f"{name} (shares of 1, times 100)" for name in self.shares}
        ranked = ", ".join(scaled.get(name, name) for name in self.accuracies)
        text = f"{len(self.strings):,} architectures; accuracies in percent: {ranked}"
        if self.left_out:
            others = ", ".join(f"{name} ({reason})" for name, reason in self.left_out.items())
            text += f"; not ranked: {others}"
        return text


def read(path, accuracies: Sequence[str] | None = None) -> Columns:
    """Reads a CSV file with a header.

    The column `architecture` holds the benchmark's strings. A column `index` numbers them from 0,
    in any order, as in a table that was sorted. An accuracy is a column whose name says so
    (`accuracy`, `acc`, `top1`, `val`, `test`, `train` or a data set) and not otherwise (`flops`,
    `params`, `latency`, `time`, `loss`, `error`, `std`, ...), and whose numbers are within 0 to
    100, percent, or all within 0 to 1, shares that become percent here. All other columns are left
    out. Columns are separated by commas, semicolons or tabs.

    Args:
        path: the file.
        accuracies: the names of the columns that are accuracies. Default: found out as above.

    Raises:
        UserError: it is no such file; the message names the line.
    """
    header, rows = _rows(path)
    by_name = {column: i for i, column in enumerate(header)}
    if ARCHITECTURE not in by_name:
        raise UserError(
            f"{path} is no benchmark table; expected a CSV file with a header, a column "
            f"{ARCHITECTURE!r} and columns of accuracies in percent; got {', '.join(header)!r:.120}"
        )
    order = _order(path, header, rows)
    strings = [_architecture(path, line, row[by_name[ARCHITECTURE]]) for line, row in rows]
    missing = [name for name in accuracies or () if name not in by_name]
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}; expected some of {', '.join(header)}"
        )
    found, left_out, shares = {}, {}, []
    for name in header:
        if name == ARCHITECTURE or name.lower() in _INDICES:
            continue
        if accuracies is None and (reason := _no_accuracy_by_name(name)):
            left_out[name] = reason
            continue
        if accuracies is not None and name not in accuracies:
            left_out[name] = "not asked for"
            continue
        values = np.array([_number(path, line, name, row[by_name[name]]) for line, row in rows])
        low, high = values.min(), values.max()
        if low < 0 or high > 100:
            left_out[name] = f"no percent: from {low:g} to {high:g}"
            continue
        if high <= 1:
            values, shares = 100 * values, [*shares, name]
        found[name] = values[order]
    if not found:
        others = ", ".join(f"{name} ({reason})" for name, reason in left_out.items())
        raise UserError(
            f"{path} holds no accuracies: expected a column whose name says 'accuracy', 'val' or "
            f"'test', with numbers from 0 to 100; got {others or 'no other column'}"
        )
    return Columns([strings[i] for i in order], found, left_out, shares)


def _rows(path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows with the numbers of their lines."""
    try:
        # What spreadsheets write begins with a mark of the encoding.
        reading.check_regular(path)
        with open(path, newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            separator = max(",;\t", key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
            rows = [(reader.line_num, [x.strip() for x in row]) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read the benchmark table {str(path)!r}: {error}") from error
    header = rows.pop(0)[1] if rows else []
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise UserError(f"{path} has the column {twice[0]!r} twice; rename one of them")
    for line, row in rows:
        if len(row) > len(header):
            raise UserError(
                f"{path}, line {line}: {len(row)} values, but the header names {len(header)}"
            )
        row += [None] * (len(header) - len(row))
    if header and not rows:
        raise UserError(f"{path} is no benchmark table; it has a header and no line below it")
    return header, rows


def _order(path, header, rows) -> list[int]:
    """The rows by their index."""
    names = [name for name in header if name.lower() in _INDICES]
    if not names:
        return list(range(len(rows)))
    # Where both are there, `index` is the benchmark's and the other the number of a row.
    column = max(names, key=lambda name: name.lower() == INDEX)
    at = {}
    for i, (line, row) in enumerate(rows):
        text = row[header.index(column)]
        number = int(text) if re.fullmatch(r"\d{1,9}", text or "") else -1
        if not 0 <= number < len(rows) or number in at:
            raise UserError(
                f"{path}, line {line}: {column or 'the first column'} is {text!r}"
                f"{' again' if number in at else ''}, expected each number from 0 to "
                f"{len(rows) - 1} once; without that column the rows are numbered as they stand"
            )
        at[number] = i
    return [at[number] for number in range(len(rows))]


def _architecture(path, line, text) -> str:
    if not _STRING.fullmatch(text or ""):
        raise UserError(
            f"{path}, line {line}: {text!r:.120} is no NAS-Bench-201 cell; expected "
            "|op~0|+|op~0|op~1|+|op~0|op~1|op~2| of the operations "
            + ", ".join(NAS_BENCH_201.operations)
        )
    return text


def _number(path, line, name, text) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = None
    if number is None or not np.isfinite(number):
        raise UserError(f"{path}, line {line}: {name} is {text!r}, expected a number")
    return number


def _no_accuracy_by_name(name: str) -> str | None:
    """Why a column of that name is no accuracy; None if it may be one."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if other := _OTHER.search(words):
        return f"'{other[0].strip('_- ')}' in its name"
    return None if _ACCURACY.search(words) else "its name is not that of an accuracy"
