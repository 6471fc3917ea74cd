"""Tables of parts by name: looking one up, and adding one."""

import functools
import types
from collections.abc import Mapping, MutableMapping
from typing import TypeVar

import numpy as np

from darts_tf.common.errors import UserError

T = TypeVar("T")


def lookup(kind: str, entries: Mapping[str, T], name: str) -> T:
    """The entry of that name.

    Args:
        kind: what the entries are, for the message: "method", "search space".
        entries: name -> part.
        name: as the user wrote it.

    Raises:
        UserError: there is no such name; the message lists those there are.
    """
    if name not in entries:
        raise UserError(f"unknown {kind} {name!r}; expected one of {', '.join(entries)}")
    return entries[name]


def register(
    kind: str, entries: MutableMapping[str, T], name: str, part: T, replace: bool = False
) -> T:
    """Adds an entry; returns it.

    An entry that is there already is not replaced silently, because published cells, saved
    genotypes and run folders name their parts. The same definition may come again, though, as when
    a notebook runs a cell twice: see `is_same_definition`.

    Args:
        kind: what the entries are, for the message.
        entries: name -> part; gets the entry.
        name: of the entry.
        part: the entry.
        replace: whether it may take the place of another entry.

    Raises:
        UserError: another entry has that name, and `replace` is false.
    """
    if not replace and name in entries and not is_same_definition(entries[name], part):
        raise UserError(
            f"there is another {kind} named {name!r}; choose another name, or say replace=True to "
            "use yours from now on wherever that name stands, in published cells and saved files "
            "too"
        )
    entries[name] = part
    return part


def is_same_definition(one, other) -> bool:
    """Whether two values are equal, or were defined by the same code in the same place.

    Functions and classes that a notebook's cell defines anew are other objects each time. They are
    the same when module, qualified name and compiled code are, with equal defaults and enclosed
    values; instances when their classes and attributes are. Line numbers don't matter, and global
    variables that the code uses are not looked at.
    """
    return _same(one, other, {})


def _same(one, other, seen) -> bool:
    # A method that says super() encloses its class: two values that are being compared are taken
    # as equal inside of themselves.
    if one is other or (id(one), id(other)) in seen:
        return True
    # They stay alive with it, so that nothing else gets their addresses.
    seen[id(one), id(other)] = one, other
    pieces = _pieces(one), _pieces(other)
    if None not in pieces:
        return len(pieces[0]) == len(pieces[1]) and all(
            _same(*pair, seen) for pair in zip(*pieces, strict=True)
        )
    if type(one) is type(other):
        if isinstance(one, np.ndarray):
            return one.dtype == other.dtype and np.array_equal(one, other)
        try:
            if bool(one == other):
                return True
        except (TypeError, ValueError):  # Other kinds of arrays.
            return False
    attributes = _attributes(one), _attributes(other)
    return (
        None not in attributes and _same(type(one), type(other), seen) and _same(*attributes, seen)
    )


def _attributes(value) -> dict | None:
    """The attributes of an instance; None for one that cannot have any."""
    slots = []
    for kind in type(value).__mro__:
        names = vars(kind).get("__slots__", ())
        slots += [names] if isinstance(names, str) else names
    if not slots and not hasattr(value, "__dict__"):
        return None
    return {x: getattr(value, x, None) for x in slots} | getattr(value, "__dict__", {})


# What every class has of its own, whatever its definition.
_OF_EVERY_CLASS = {
    *("__dict__", "__weakref__", "__doc__", "_abc_impl"),
    # Since Python 3.13.
    *("__firstlineno__", "__static_attributes__"),
}
_CODE = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_consts",
)


def _pieces(value) -> list | None:
    """The pieces of a definition, the kind of value first; None for any other value."""
    match value:
        case types.FunctionType():
            cells = [_content(cell) for cell in value.__closure__ or ()]
            defaults = value.__defaults__, value.__kwdefaults__
            return ["def", value.__module__, value.__qualname__, value.__code__, *defaults, cells]
        case types.CodeType():
            return ["code", *(getattr(value, name) for name in _CODE)]
        case type():
            own = {k: v for k, v in vars(value).items() if k not in _OF_EVERY_CLASS}
            return ["class", value.__module__, value.__qualname__, value.__bases__, own]
        case functools.partial():
            return ["partial", value.func, value.args, value.keywords]
        case staticmethod() | classmethod():
            return [type(value), value.__func__]
        case types.MemberDescriptorType():
            return ["slot", value.__name__]
        case functools.cached_property():
            return ["cached_property", value.func]
        case property():
            return ["property", value.fget, value.fset, value.fdel]
        case dict() | types.MappingProxyType():
            return ["dict", list(value), *value.values()]
        case list() | tuple():
            return [type(value), *value]
    return None


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # Nothing is in it yet.
        return None
