"""A table with a line for each image: which labels it has, or which numbers belong to it."""

import csv
import math
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets.source import LABELS
from darts_tf.datasets.text_reading import read_text

#: The names that such a file has in a folder.
NAMES = ("labels.csv", "metadata.csv")
_DELIMITERS = (",", "\t", ";")
# Between labels in one cell.
_BETWEEN = re.compile(r"[;|,]")
_TRUTHS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), 1),
    **dict.fromkeys(("0", "0.0", "false", "no", ""), 0),
}
_SPLIT = "split"


class Labelled(NamedTuple):
    """The content of such a file.

    Attributes:
        files: the images' names, as written.
        splits: of each image the word in the column `split`; None without that column.
        names: of the labels, or of the columns of numbers.
        values: int32 0 or 1, or float64, `[files, names]`.
    """

    files: list[str]
    splits: list[str] | None
    names: tuple[str, ...]
    values: np.ndarray


def read(path, kind: str, columns: Sequence[str] | None = None) -> Labelled:
    """Reads a CSV file: a line of names, then one for each image.

    The first column is the name of the image's file. A column named `split` says which part of the
    data an image is in. Of labels there is either one more column, which holds the names of an
    image's labels between which there are `;`, `|` or `,`, or one for each label, of 0 and 1. Of
    numbers there is one column each.

    Args:
        path: of the file, whose cells are divided by commas, tabs or semicolons.
        kind: of the labels, see `ImageData`.
        columns: the names of the columns that are used; all by default.

    Raises:
        UserError: the file cannot be read, or a line is not as it should be.
    """
    rows = _rows(path)
    header = [cell.strip() for cell in rows[0][1]]
    lower = [name.lower() for name in header]
    if len(set(lower)) < len(lower):
        raise UserError(f"{path} has two columns of the same name: {', '.join(header)}")
    place = lower.index(_SPLIT) if _SPLIT in lower[1:] else None
    used = [number for number in range(1, len(header)) if number != place]
    if columns:
        missing = [name for name in columns if name not in [header[number] for number in used]]
        if missing:
            raise UserError(
                f"{path} has no column {missing[0]!r}; it has {', '.join(header[1:]) or 'none'}"
            )
        used = [header.index(name) for name in columns]
    if not used:
        raise UserError(
            f"{path} has the columns {', '.join(header)}; expected the files' names first, and "
            "then one or more columns of what is known of them"
        )
    lines = rows[1:]
    _check_lines(path, header, lines)
    files = [cells[0].strip() for _, cells in lines]
    cells = [[row[number].strip() for number in used] for _, row in lines]
    names = tuple(header[number] for number in used)
    numbers = [number for number, _ in lines]
    if kind != LABELS:
        values = _numbers(path, numbers, names, cells)
    elif len(used) == 1 and not all(row[0].lower() in _TRUTHS for row in cells):
        names, values = _named(path, [row[0] for row in cells])
    else:
        values = _truths(path, numbers, names, cells)
    splits = None if place is None else [row[place].strip() for _, row in lines]
    return Labelled(files, splits, names, values)


def files_of(path) -> list[str]:
    """The names of the images' files, as written.

    Raises:
        UserError: the file cannot be read.
    """
    return [row[0].strip() for _, row in _rows(path)[1:]]


def _rows(path) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, each with its number."""
    path = pathlib.Path(path)
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = next((one for one in _DELIMITERS if one in first), ",")
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num:,}: {error}") from error
    if len(rows) < 2:
        raise UserError(f"{path} has no line of an image: expected a line of names, and then some")
    return rows


def _check_lines(path, header, lines) -> None:
    seen = {}
    for number, row in lines:
        if len(row) != len(header):
            raise UserError(
                f"{path}, line {number:,} has {len(row)} cells, but there are {len(header)} "
                "columns: put a cell that holds the delimiter between quotes"
            )
        name = row[0].strip()
        if not name or "\0" in name:
            raise UserError(f"{path}, line {number:,} names no file")
        if (before := seen.setdefault(name, number)) != number:
            raise UserError(
                f"{path} has {name!r} in line {before:,} and in line {number:,}: give an image one "
                "line"
            )


def _named(path, cells) -> tuple[tuple[str, ...], np.ndarray]:
    """Labels by name: the names in alphabetical order, and which each image has."""
    found = [{one.strip() for one in _BETWEEN.split(cell)} - {""} for cell in cells]
    names = sorted(set().union(*found))
    if not names:
        raise UserError(f"{path}: no image has a label")
    numbers = {name: number for number, name in enumerate(names)}
    values = np.zeros((len(cells), len(names)), np.int32)
    for row, labels in zip(values, found, strict=True):
        row[[numbers[label] for label in labels]] = 1
    return tuple(names), values


def _truths(path, lines, names, cells) -> np.ndarray:
    values = np.zeros((len(cells), len(names)), np.int32)
    for row, (line, found) in enumerate(zip(lines, cells, strict=True)):
        for column, cell in enumerate(found):
            if cell.lower() not in _TRUTHS:
                raise UserError(
                    f"{path}, line {line:,}, column {names[column]!r}: {cell!r:.60} is neither 0 "
                    "nor 1; labels are a column of 0 and 1 each, or names in a single column"
                )
            values[row, column] = _TRUTHS[cell.lower()]
    return values


def _numbers(path, lines, names, cells) -> np.ndarray:
    values = np.zeros((len(cells), len(names)))
    for row, (line, found) in enumerate(zip(lines, cells, strict=True)):
        for column, cell in enumerate(found):
            try:
                number = float(cell)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise UserError(
                    f"{path}, line {line:,}, column {names[column]!r}: {cell!r:.60} is no finite "
                    "number; fill it in, leave the line out, or name the columns that are used "
                    "with --label_columns"
                )
            values[row, column] = number
    return values
