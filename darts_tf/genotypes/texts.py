"""Genotypes in texts: what other programs print, pasted or in the middle of a log."""

import collections
import re
from collections.abc import Iterator
from typing import Any

from absl import logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.genotypes import forms, literals
from darts_tf.genotypes.genotype import Genotype

# Where a genotype may begin within a text: a call, a dictionary of one, a string of NAS-Bench-201.
_STRING = r"\|[\w.-]+~\d\|\+\|(?:[\w.-]+~\d\|){2}\+\|(?:[\w.-]+~\d\|){3}"
_BEGIN = re.compile(
    r"\bGenotype\((?!\s*\))"
    r"|\{\s*[\"'](?=(?:\w+/)*(?:normal|reduce|recurrent|schema_version|0_1)\b"
    r"|(?:\w+/)*(?:normal|reduce)_n\d)"
    rf"|{_STRING}",
    re.ASCII,
)
_EXPECTED = (
    "expected Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...), "
    "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|, JSON, or another form of docs/genotypes.md"
)


def from_text(text: str, space=None) -> Genotype:
    """The genotype in a text, in any form that `Genotype.to_text` writes.

    It may stand within other text, as in a log or a file of Python code; of several the last whole
    one counts, which is that of a search's last epoch, and a line of the log says so. It is parsed
    and never evaluated. docs/genotypes.md lists the forms, and where libraries differ in what they
    mean.

    Args:
        text: what holds it.
        space: the space of its cells, or its name. Most texts do not name it; by default it is the
            first one that the cells fit, `darts_cnn` for cells of S1, S2 and S3 too.

    Raises:
        UserError: there is none, or it describes no cell that is known here.

    Example:
        >>> genotypes.from_text("08/05 12:01 PM genotype = Genotype(normal=[('sep_conv_3x3', 1), ")
    """
    for value in _values(text):
        if (found := forms.read(value, space)) is not None:
            return found
    if text.lstrip().startswith("{") or _parsed(text):
        # What is meant for ours is refused with its place.
        return Genotype.from_json(text)
    raise UserError(f"no genotype in {text.strip()!r:.60}; {_EXPECTED}")


def _values(text: str) -> Iterator[Any]:
    """The parts of a text that may be its genotype, the most likely first."""
    whole = text.strip()
    within = _within(text)
    if re.fullmatch(r"\d{1,18}", whole, re.ASCII):
        yield int(whole)
    elif whole.startswith("|") and not within:
        yield whole
    elif whole.startswith(("{", "[")):
        yield from _parsed(whole)
    yield from within
    if whole.startswith(("(", "[")) and not within:
        value, end = literals.read(whole)
        if not whole[end:].strip():
            yield value


def _parsed(text: str) -> list:
    """The value of JSON text in a list; empty for another text."""
    try:
        return [reading.parse_json(text)]
    except ValueError:
        return []


def _within(text: str) -> list:
    """The last whole genotype that begins somewhere in a text, in a list; empty without any.

    Raises:
        UserError: what begins there is none.
    """
    # One may hold the beginning of another: `{"schema_version": 1, "cells": {"normal": ...`.
    begins, count = collections.deque(maxlen=4), 0
    for match in _BEGIN.finditer(text):
        begins.append(match)
        count += 1
    read, end, unfinished, wrong = [], -1, None, None
    for match in begins:
        if match.start() < end:
            count -= 1
            continue
        try:
            value, end = _value(text, match)
            read.append((match.start(), value))
        except literals.UnfinishedError as error:
            # A log that is still being written.
            unfinished = error
        except UserError as error:
            wrong = error
    if not read and (wrong or unfinished):
        raise wrong or unfinished
    if count > 1 and read:
        line = text.count("\n", 0, read[-1][0]) + 1
        logging.info("several genotypes in the text: the last whole one counts, of line %d", line)
    return [value for _, value in read[-1:]]


def _value(text: str, match: re.Match) -> tuple[Any, int]:
    if match[0].startswith("|"):
        return match[0], match.end()
    return literals.read(text, match.start())
