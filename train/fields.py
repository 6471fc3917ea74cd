"""The fields of a configuration, each of which is a flag; see `train.config`.

All take the default, then what `--help` says of the flag.
"""

import dataclasses
from collections.abc import Iterable

from absl import flags

#: The key of a field's metadata: defines its flag, `(name, flag_values, module)`.
DEFINE = "define"


def _field(define, default, *args):
    """A field that knows how its flag is defined."""

    def define_flag(name, flag_values, module):
        define(name, default, *args, flag_values=flag_values, module_name=module)

    return dataclasses.field(default=frozen(default), metadata={DEFINE: define_flag})


def text(default: str | None, explanation: str):
    """A flag of any text."""
    return _field(flags.DEFINE_string, default, explanation)


def integer(default: int | None, explanation: str, *, lower_bound=None, upper_bound=None):
    """A flag of a whole number between two bounds, each of which may be left out."""
    return _field(flags.DEFINE_integer, default, explanation, lower_bound, upper_bound)


def number(default: float | None, explanation: str, *, lower_bound=None):
    """A flag of a number."""
    return _field(flags.DEFINE_float, default, explanation, lower_bound)


def switch(default: bool | None, explanation: str):
    """A flag that is on (`--name`) or off (`--noname`)."""
    return _field(flags.DEFINE_bool, default, explanation)


def choice(default: str | None, values: Iterable[str], explanation: str):
    """A flag of one of several words."""
    return _field(flags.DEFINE_enum, default, list(values), explanation)


def words(default: list[str] | None, explanation: str):
    """A flag of words that are separated by commas; the value is a tuple."""
    return _field(flags.DEFINE_list, default, explanation)


def texts(explanation: str):
    """A flag of a text that may be given several times; the value is a tuple, empty by default."""
    return _field(flags.DEFINE_multi_string, [], explanation)


def parsed_by(parser: flags.ArgumentParser, default, explanation: str):
    """A flag of what a parser of absl makes of it."""

    def define(name, default, flag_values, module_name):
        serializer = flags.ArgumentSerializer()
        args = (parser, name, default, explanation, flag_values, serializer)
        flags.DEFINE(*args, module_name=module_name)

    return _field(define, default)


def frozen(value):
    """A flag's value as a frozen configuration holds it."""
    return tuple(value) if isinstance(value, list) else value
