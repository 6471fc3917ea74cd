"""The settings of a run, and which of them may be others when it goes on."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple


class Extension(NamedTuple):
    """A setting that was raised when a run went on.

    Attributes:
        setting: its name.
        before: what it was.
        now: what it is.
    """

    setting: str
    before: int
    now: int


@dataclasses.dataclass(frozen=True)
class Changeable:
    """The settings that may be others when a run goes on.

    Args:
        free: those that decide nothing, such as where a table is that the result is looked up in.
        raised: those that may become larger, such as the number of epochs: the run is extended.
        unwritten: what settings were that an earlier version left out or wrote as null.
        reasons: why a setting may not change, for the message, where that is not plain.
    """

    free: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    unwritten: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def difference(self, before: dict, now: dict) -> str | None:
        """Names the first setting that may not change but has, and both values."""
        before, now = self._written(before), self._written(now)
        extended = {extension.setting for extension in self.extensions(before, now)}
        allowed = {*self.free, *extended}
        found = first_difference(*(_without(settings, allowed) for settings in (before, now)))
        raised = dict.fromkeys(self.raised, "and can only be raised")
        for name, reason in {**raised, **self.reasons}.items():
            if found and found.startswith(f"{name} was "):
                return f"{found}, {reason}"
        return found

    def extensions(self, before: dict, now: dict) -> list[Extension]:
        """The settings that have been raised."""
        before, now = self._written(before), self._written(now)
        pairs = [(name, before.get(name), now.get(name)) for name in self.raised]
        return [
            Extension(*pair)
            for pair in pairs
            if all(type(value) is int for value in pair[1:]) and pair[2] > pair[1]
        ]

    def _written(self, settings) -> dict:
        given = {name: value for name, value in settings.items() if value is not None}
        return {**settings, **self.unwritten, **given}


def first_difference(before: dict, now: dict) -> str | None:
    """Names the first setting that has changed and both values; None if none has."""
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            return f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
    return None


def _without(settings: dict, names) -> dict:
    return {name: value for name, value in settings.items() if name not in names}
