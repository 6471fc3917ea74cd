"""Search spaces: which cells, which edges, which candidate operations."""

from darts_tf.errors import UserError
from darts_tf.spaces.darts_cnn import DARTS_CNN
from darts_tf.spaces.nasnet import NASNET
from darts_tf.spaces.space import EdgePlace, Space

__all__ = ["DARTS_CNN", "NASNET", "EdgePlace", "Space", "get", "names"]

_SPACES = {space.name: space for space in (DARTS_CNN, NASNET)}


def names(searchable_only: bool = False) -> tuple[str, ...]:
    """The names of the known spaces."""
    return tuple(n for n, space in _SPACES.items() if space.searchable or not searchable_only)


def get(name: str) -> Space:
    """The space of that name.

    Raises:
        UserError: no space has that name.
    """
    if name not in _SPACES:
        raise UserError(f"unknown search space {name!r}; known spaces: {', '.join(_SPACES)}")
    return _SPACES[name]
