"""Relaxations: how architecture variables become operation weights."""

from darts_tf.errors import UserError
from darts_tf.relaxations.softmax import softmax

__all__ = ["get", "softmax"]

_RELAXATIONS = {"softmax": softmax}


def get(name: str):
    """The relaxation of that name.

    Raises:
        UserError: no relaxation has that name.
    """
    if name not in _RELAXATIONS:
        raise UserError(f"unknown relaxation {name!r}; known ones: {', '.join(_RELAXATIONS)}")
    return _RELAXATIONS[name]
