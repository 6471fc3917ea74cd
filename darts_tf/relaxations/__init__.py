"""Relaxations: how architecture variables become operation weights."""

from darts_tf.lookup import lookup
from darts_tf.relaxations.softmax import softmax

__all__ = ["get", "softmax"]

_RELAXATIONS = {"softmax": softmax}


def get(name: str):
    """The relaxation of that name.

    Raises:
        UserError: no relaxation has that name.
    """
    return lookup("relaxation", _RELAXATIONS, name)
