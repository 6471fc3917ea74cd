"""Looking a part up by its name."""

from collections.abc import Mapping
from typing import TypeVar

from darts_tf.errors import UserError

T = TypeVar("T")


def lookup(kind: str, table: Mapping[str, T], name: str) -> T:
    """The entry of that name.

    Args:
        kind: what the table holds, for the message: "method", "search space".
        table: name -> part.
        name: as the user wrote it.

    Raises:
        UserError: the table has no such name; the message lists those it has.
    """
    if name not in table:
        raise UserError(f"unknown {kind} {name!r}; expected one of {', '.join(table)}")
    return table[name]
