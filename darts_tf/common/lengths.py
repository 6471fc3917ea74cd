"""Data sets that have no end: a pass over one would never come back."""

from collections.abc import Iterable, Iterator

import tensorflow as tf
from absl import logging

from darts_tf.common.errors import UserError

#: So many batches of a data set of unknown length are read before a word is said about it.
LONG = 10_000


def refuse_endless(name: str, data) -> None:
    """Refuses a `tf.data.Dataset` that repeats for ever; anything else passes.

    Raises:
        UserError: names the data and says what to do.
    """
    if isinstance(data, tf.data.Dataset) and data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UserError(
            f"the {name} have no end, and all of them would be read; leave out .repeat(), or use "
            ".take(n)"
        )


def one_pass(name: str, data: Iterable) -> Iterator:
    """The batches of one pass over data that have an end.

    Where TensorFlow does not know the length, as of a Python generator's, one line is logged after
    `LONG` batches.

    Args:
        name: of the data, in the plural, for the messages.
        data: a `tf.data.Dataset` or another iterable.

    Raises:
        UserError: (when called) the data repeat for ever.
    """
    refuse_endless(name, data)
    return _watched(name, data)


def _watched(name, data):
    unknown = isinstance(data, tf.data.Dataset) and data.cardinality() < 0
    for number, batch in enumerate(data):
        if unknown and number == LONG:
            logging.warning(
                "%d batches of the %s were read and there are more, of an unknown number; if they "
                "have no end, stop and use .take(n)",
                LONG,
                name,
            )
        yield batch


def count_batches(name: str, data: tf.data.Dataset) -> int:
    """The number of batches of an epoch.

    Raises:
        UserError: the number is unknown or infinite.
    """
    count = int(data.cardinality())
    if count < 0:
        raise UserError(
            f"the number of {name} is unknown or infinite; "
            "use .take(n) or .apply(tf.data.experimental.assert_cardinality(n))"
        )
    return count
