"""Search spaces: which cells, which edges, which candidate operations."""

import dataclasses
from collections.abc import Mapping, Sequence

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Registry
from darts_tf.spaces.darts_cnn import DARTS_CNN
from darts_tf.spaces.darts_rnn import DARTS_RNN, ENAS_RNN
from darts_tf.spaces.nas_bench_201 import NAS_BENCH_201
from darts_tf.spaces.nasnet import NASNET
from darts_tf.spaces.operation_weights import check_operation_weights
from darts_tf.spaces.robust_darts import S1, S2, S3, S4
from darts_tf.spaces.space import EXCLUDED, EdgePlace, Space
from darts_tf.spaces.two_input_rnn import TWO_INPUT_RNN

__all__ = [
    "DARTS_CNN",
    "DARTS_RNN",
    "ENAS_RNN",
    "EXCLUDED",
    "NASNET",
    "NAS_BENCH_201",
    "OVER_TIME",
    "EdgePlace",
    "TWO_INPUT_RNN",
    "Space",
    "check_kind",
    "check_operation_weights",
    "get",
    "names",
    "register",
    "serialize",
    "without_restriction",
]

#: The kinds of cells that run over time.
OVER_TIME = ("recurrent", "two_input")

_KNOWN = (DARTS_CNN, NASNET, NAS_BENCH_201, S1, S2, S3, S4, DARTS_RNN, ENAS_RNN, TWO_INPUT_RNN)
_SPACES = Registry("search space", {space.name: space for space in _KNOWN}, Space)


def register(space: Space, *, replace: bool = False) -> Space:
    """Makes a space of your own known by its name; returns it.

    Its operations must be registered too, with `darts_tf.operations.register`, and a macro network
    of your own with `darts_tf.macros.register`.

    Args:
        space: the space.
        replace: whether it may take the place of another one of its name.

    Raises:
        UserError: another space has that name; an equal one may come again.

    Example:
        >>> spaces.register(Space("tiny", ("none", "skip_connect", "sep_conv_3x3"), nodes=2))
    """
    return _SPACES.register(space.name, space, replace)


def names(searchable_only: bool = False, kind: str | None = "convolutional") -> tuple[str, ...]:
    """The names of the known spaces.

    Args:
        searchable_only: whether only of those that a supernet can be built of.
        kind: only of those with cells of this kind, see `Space`; None for all.
    """
    return tuple(
        name
        for name, space in _SPACES.items()
        if (space.searchable or not searchable_only) and kind in (None, space.kind)
    )


def get(space: str | Space | Mapping) -> Space:
    """The space that a name, a `Space` or a configuration stands for.

    Raises:
        UserError: no space has that name; it is something else.
    """
    return _SPACES.resolve(space)


def check_kind(space: Space, kinds: str | Sequence[str], what: str) -> None:
    """Refuses a space whose cells are of another kind.

    Args:
        space: a space.
        kinds: one, or several of which any will do; see `Space`.
        what: what it is needed for, for the message: "a network for images".

    Raises:
        UserError: its cells are of another kind.
    """
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if space.kind not in kinds:
        known = [name for kind in kinds for name in names(kind=kind)]
        raise UserError(
            f"the space {space.name!r} has {space.kind} cells; {what} is made of "
            f"{' or '.join(kinds)} ones, those of the spaces {', '.join(known)}"
        )


def serialize(space: str | Space | Mapping) -> str | dict:
    """The value that `get` makes the space of again: its name, or a configuration if it has none.

    A space whose edges have other candidates than those of the registered one has none.
    """
    return space if isinstance(space, str) else _SPACES.serialize(get(space))


def without_restriction(space: Space) -> Space:
    """The registered space that a space is but for the candidates on its edges, or itself."""
    known = _SPACES.get(space.name, space)
    same = dataclasses.replace(space, edge_operations=known.edge_operations) == known
    return known if same else space
