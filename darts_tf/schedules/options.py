"""Rules with other arguments than a method's row gives them."""

import dataclasses
import typing
from collections.abc import Mapping

from darts_tf.common.errors import UserError


def with_options(rule, options: Mapping):
    """A rule with other arguments.

    Args:
        rule: a dataclass, whose fields are the arguments; None for a method without a rule.
        options: name -> value; of several words one text, separated by `+`.

    Raises:
        UserError: the rule has no such argument, or it takes no such value.
    """
    kinds = typing.get_type_hints(type(rule)) if dataclasses.is_dataclass(rule) else {}
    known = [field.name for field in dataclasses.fields(rule)] if kinds else []
    changed = {}
    for name, value in options.items():
        if name not in known:
            raise UserError(
                f"unknown option {name!r} of the rule of a search; "
                + (f"expected one of {', '.join(known)}" if known else "this method's has none")
            )
        changed[name] = _of_kind(name, value, kinds[name])
    return dataclasses.replace(rule, **changed)


def _of_kind(name: str, value, kind):
    """A value as the field of a rule holds it."""
    if typing.get_origin(kind) is tuple:
        return tuple(str(value).split("+"))
    kinds = typing.get_args(kind) or (kind,)
    if type(value) in kinds:
        return value
    if type(value) is int and float in kinds:
        return float(value)
    words = {int: "a whole number", float: "a number", bool: "true or false", type(None): "none"}
    expected = " or ".join(words.get(one, one.__name__) for one in kinds)
    raise UserError(f"the option {name} of the rule of a search is {value!r}; expected {expected}")
