"""Selections: how the discrete cell is chosen at the end of a search."""

from darts_tf.errors import UserError
from darts_tf.selections.magnitude import magnitude

__all__ = ["get", "magnitude"]

_SELECTIONS = {"magnitude": magnitude}


def get(name: str):
    """The selection of that name.

    Raises:
        UserError: no selection has that name.
    """
    if name not in _SELECTIONS:
        raise UserError(f"unknown selection {name!r}; known ones: {', '.join(_SELECTIONS)}")
    return _SELECTIONS[name]
