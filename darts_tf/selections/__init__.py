"""Selections: how the discrete cell is chosen at the end of a search."""

from darts_tf.lookup import lookup
from darts_tf.selections.magnitude import magnitude

__all__ = ["get", "magnitude"]

_SELECTIONS = {"magnitude": magnitude}


def get(name: str):
    """The selection of that name.

    Raises:
        UserError: no selection has that name.
    """
    return lookup("selection", _SELECTIONS, name)
