"""Copies of an operation on one edge: `tanh` and `tanh:2` are the same function, other weights.

A supernet has one column of operation weights for every name, so that a second copy of an operation
needs one of its own. In the cell that is found both are `tanh`.
"""

from collections.abc import Iterable

_SIGN = ":"


def kind_of(name: str) -> str:
    """The operation that a copy is of; one that is no copy is its own kind."""
    return name.split(_SIGN)[0]


def next_copy(name: str, names: Iterable[str]) -> str:
    """The name of one more copy of an operation.

    Args:
        name: of the operation, or of a copy of it.
        names: those that are taken.
    """
    taken, number = set(names), 2
    while (found := f"{kind_of(name)}{_SIGN}{number}") in taken:
        number += 1
    return found
