"""Further levels of a search, beside its architecture and its weights.

A level is variables with a loss and an optimizer of their own, and says what it changes in the
losses of the architecture and the weights; see `FurtherLevel`. A method has them in
`Method.levels`.
"""

import dataclasses
from collections.abc import Mapping

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Registry
from darts_tf.levels.auxiliary_model import NAMES as AUXILIARIES
from darts_tf.levels.chain import LevelChain
from darts_tf.levels.level import FurtherLevel, LevelPass
from darts_tf.levels.passes import LevelPasses
from darts_tf.levels.residual_network import residual_network
from darts_tf.levels.transferability import Transferability

__all__ = [
    "AUXILIARIES",
    "FurtherLevel",
    "LevelChain",
    "LevelPass",
    "LevelPasses",
    "Transferability",
    "get",
    "label",
    "names",
    "order",
    "register",
    "residual_network",
    "serialize",
    "with_options",
]

_LEVELS = Registry("further level", {"transferability": Transferability}, FurtherLevel)


def register(name: str, level, *, replace: bool = False):
    """Makes a level of your own known by a name; returns it.

    Args:
        name: what `Method.levels` refers to.
        level: a `FurtherLevel`, or a class of them.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another level has that name; the same definition may come again.
    """
    return _LEVELS.register(name, level, replace)


def names() -> tuple[str, ...]:
    """The names of all levels."""
    return tuple(_LEVELS)


def get(level) -> FurtherLevel:
    """The level that a name, a level, its class or a configuration stands for.

    Raises:
        UserError: no level has that name; it is something else.
    """
    return _LEVELS.resolve(level)


def serialize(level):
    """The name or configuration that `get` makes it of again; itself if it has neither."""
    return _LEVELS.serialize(level)


def label(level) -> str:
    """How messages and settings call a level: its name, or that of its class."""
    return _LEVELS.label(level)


def order(levels: tuple[FurtherLevel, ...]) -> tuple[str, ...]:
    """The names of all levels in the order of their steps, unless a method says another one.

    The architecture behind what is moved as it is, the weights, the inner levels.

    Args:
        levels: those beside the architecture and the weights.
    """
    outer, inner = ([x.name for x in levels if x.inner == own] for own in (False, True))
    return (*outer, "architecture", "weights", *inner)


def with_options(levels: tuple[FurtherLevel, ...], options: Mapping) -> tuple[FurtherLevel, ...]:
    """The levels with other arguments.

    Args:
        levels: those of a method; dataclasses have arguments.
        options: name -> value, of the level that has an argument of that name.

    Raises:
        UserError: no level has such an argument, or it has not such a value.
    """
    fields = [
        {f.name for f in dataclasses.fields(level)} if dataclasses.is_dataclass(level) else set()
        for level in levels
    ]
    for name in options:
        if not any(name in own for own in fields):
            known = ", ".join(sorted(set().union(*fields)))
            raise UserError(
                f"unknown option {name!r} of the levels of a search; "
                + (f"expected one of {known}" if known else "they have none")
            )
    return tuple(
        dataclasses.replace(level, **{k: v for k, v in options.items() if k in own})
        if own & set(options)
        else level
        for level, own in zip(levels, fields, strict=True)
    )
