"""Descriptions of data that come in a training, a validation and a test split.

A run folder keeps one in `data.json`: how many of what are in each split, and their hashes.
"""

from collections.abc import Mapping

import numpy as np

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets.fingerprint import hash_array

SPLITS = ("train", "validation", "test")


def counts(lengths: Mapping[str, int], counted: str) -> dict[str, int]:
    """How many of what are in each split, by the keys of a description.

    Args:
        lengths: split -> number.
        counted: what is counted, such as "tokens".
    """
    return {f"{split}_{counted}": lengths[split] for split in SPLITS}


def hashes(values: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Split -> the hash of its numbers."""
    return {split: hash_array(values[split]) for split in SPLITS}


def difference(before: dict, now: dict, counted: str, what: str, unit: str) -> str | None:
    """The first difference between the splits of two descriptions; None if there is none.

    Args:
        before, now: descriptions with `counts`, and with `hashes` as their fingerprint.
        counted: as for `counts`.
        what: a split is of, such as "text".
        unit: of what is counted, as messages call it.
    """
    for split in SPLITS:
        first, second = (one[f"{split}_{counted}"] for one in (before, now))
        if first != second:
            return f"the {split} {what} had {first:,} {unit} and has now {second:,}"
        if before["fingerprint"][split] != now["fingerprint"][split]:
            return f"the {split} {what} is another one now"
    return None


def read(path, kind: str, what: str) -> dict:
    """Reads a description of a kind.

    Args:
        path: of the file.
        kind: its `kind`.
        what: that is, for the message, with its article.

    Raises:
        UserError: the file cannot be read, or does not describe such data.
    """
    try:
        description = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the data description {path}: {error}") from error
    if not isinstance(description, dict) or description.get("kind") != kind:
        raise UserError(f"{path} does not describe {what}: expected a JSON object of kind {kind!r}")
    return description


def check_number(path, description: dict, key: str) -> None:
    """Refuses what should be a whole number and is not.

    Raises:
        UserError: names the key.
    """
    if type(description.get(key)) is not int:
        raise UserError(f"{path}: {key} is missing or no whole number")


def check(path, description: dict, counted: str, what: str) -> None:
    """Refuses a description without the counts and the hashes of its splits.

    Args:
        path, description: as read.
        counted, what: as for `difference`.

    Raises:
        UserError: says what is missing.
    """
    found = description.get("fingerprint")
    for split in SPLITS:
        check_number(path, description, f"{split}_{counted}")
        if not isinstance(found, dict) or not isinstance(found.get(split), str):
            raise UserError(f"{path}: the fingerprint of the {split} {what} is missing")
