"""Registries: the parts of one axis by name, and what else a user may give in place of a name."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from darts_tf.common import lookup
from darts_tf.common.errors import UserError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Parts of one kind by name; to be read as a mapping, `register` adds to it.

    Args:
        kind: what the parts are, for messages: "search space", "relaxation".
        entries: name -> part, those that are built in.
        base: the class whose objects are parts; None where every callable is one.
    """

    def __init__(self, kind: str, entries: Mapping[str, T], base: type | None = None):
        self._kind = kind
        self._entries = dict(entries)
        self._base = base

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def register(self, name: str, part: T, replace: bool = False) -> T:
        """Adds a part; returns it.

        Raises:
            UserError: another part has that name, and `replace` is false; the same definition may
                come again.
        """
        return lookup.register(self._kind, self._entries, name, part, replace)

    def named(self, name: str) -> T:
        """The part of that name.

        Raises:
            UserError: no part has that name; the message lists those that there are.
        """
        return lookup.lookup(self._kind, self._entries, name)

    def resolve(self, part) -> T:
        """The part that a name, a part, its class or a configuration stands for.

        A configuration is `{"class_name": ..., "config": {...}}` as Keras has them: the name of the
        class of a part in the registry, and its arguments.

        Raises:
            UserError: there is no part of that name, no such class, or it is something else.
        """
        if isinstance(part, str):
            part = self.named(part)
        elif isinstance(part, Mapping):
            return self._from_configuration(part)
        if isinstance(part, type) and issubclass(part, self._base or object):
            part = self.make(part, {})
        if isinstance(part, self._base) if self._base else callable(part):
            return part
        raise UserError(
            f"expected a {self._kind}: a name ({', '.join(self._entries)}), an object or a "
            f"configuration; got {part!r:.60}"
        )

    def _from_configuration(self, configuration: Mapping) -> T:
        name, arguments = configuration.get("class_name"), configuration.get("config", {})
        found = self._classes().get(name)
        if found is None or not isinstance(arguments, Mapping):
            raise UserError(
                f"this configuration of a {self._kind} has the class_name {name!r}, but no "
                f"registered {self._kind} is of that class; register one first. The classes: "
                + ", ".join(self._classes())
            )
        return self.make(found, arguments)

    def make(self, kind: type, arguments: Mapping) -> T:
        """A new part of a class.

        Raises:
            UserError: the class does not take these arguments.
        """
        try:
            return kind(**arguments)
        except TypeError as error:
            raise UserError(
                f"a {self._kind} of the arguments {dict(arguments)} does not fit {kind.__name__}: "
                f"{error}"
            ) from error

    def _classes(self) -> dict[str, Callable]:
        """The classes of the parts, by name; none for functions."""
        kinds = [part if isinstance(part, type) else type(part) for part in self._entries.values()]
        return {kind.__name__: kind for kind in reversed(kinds) if kind.__module__ != "builtins"}

    def serialize(self, part):
        """The value that `resolve` makes the part of again: a name, a configuration, or the part.

        It is the name where that name now stands for the part, a configuration where the part is a
        dataclass of a class in the registry, and itself else, so that whoever writes it to a file
        has to refuse it; see `Unnamed`.
        """
        if isinstance(part, str):
            return part
        for name, known in self._entries.items():
            if known is type(part):
                # One that needs arguments stays a class, which is no part.
                with contextlib.suppress(TypeError):
                    known = known()
            if lookup.is_same_definition(known, part):
                return name
        kind = type(part)
        if dataclasses.is_dataclass(part) and self._classes().get(kind.__name__) is kind:
            # A field that files of earlier versions don't have is written where it says something.
            fields = [
                f.name
                for f in dataclasses.fields(part)
                if f.init
                and (
                    f.metadata.get("written") != "if changed" or getattr(part, f.name) != f.default
                )
            ]
            return {
                "class_name": kind.__name__,
                "config": {x: _plain(getattr(part, x)) for x in fields},
            }
        return part

    def label(self, part) -> str:
        """How messages and the settings of a run call the part: its name, or that of its type."""
        found = self.serialize(part)
        if isinstance(found, str):
            return found
        return getattr(part, "__qualname__", type(part).__qualname__)


def _plain(value):
    """The value with lists and dictionaries in place of what JSON does not know."""
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    if isinstance(value, Mapping):
        return {key: _plain(x) for key, x in value.items()}
    return value


class Unnamed:
    """Base of parts that files name: one without a name cannot be written.

    Keras asks for its configuration when a model that holds it is saved.
    """

    def __repr__(self) -> str:
        return type(self).__qualname__

    def get_config(self) -> dict:
        """None can be had.

        Raises:
            UserError: always; says what to do.
        """
        raise UserError(
            f"{type(self).__qualname__} has no name, so that a file could not say what it is; "
            "register it, with the function register of its module, before it is used"
        )
