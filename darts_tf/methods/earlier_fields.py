"""Methods as they were written when each control had a field of its own."""

import dataclasses
import functools

from darts_tf import selections

# Each is now the schedule of that name in `Method.controls`.
CONTROLS = ("temperature", "warm_up", "skip_dropout", "auxiliary_skip")


@dataclasses.dataclass(frozen=True)
class Untrained:
    """A selection, with the word that it needs no trained supernet.

    Args:
        selection: a selection that needs data.
    """

    selection: object

    needs_data = True
    needs_training = False

    @property
    def needs_task(self) -> bool:
        """Whether the selection does."""
        return selections.needs_task(self.selection)

    def __call__(self, supernet, validation, **options):
        """The result of the selection."""
        return selections.get(self.selection)(supernet, validation, **options)


def accepted(kind: type) -> type:
    """A class decorator: its constructor, and so `dataclasses.replace`, takes these fields too."""
    init = kind.__init__

    @functools.wraps(init)
    def __init__(self, *args, **given):
        init(self, *args, **_as_now(kind, given))

    kind.__init__ = __init__
    return kind


def _as_now(kind, given: dict) -> dict:
    """The arguments with today's fields in the place of earlier ones."""
    found = dict(given)
    for name in CONTROLS:
        if name in found:
            _put(found, "controls", name, found.pop(name))
    options = dict(found.get("optimizer_options", {}))
    if "nesterov" in found:
        _put(options, "weights", "nesterov", found.pop("nesterov") or None)
    if "architecture_betas" in found:
        for name, beta in zip(("beta_1", "beta_2"), found.pop("architecture_betas"), strict=True):
            _put(options, "architecture", name, beta)
    if options:
        found["optimizer_options"] = {k: v for k, v in options.items() if v}
    if "weights_first" in found:
        first = found.pop("weights_first")
        found["order"] = ("weights", "architecture") if first else ("architecture", "weights")
    if not found.pop("trains", True):
        selection = found.get("selection", kind.selection)
        if selections.needs_training(selection):
            found["selection"] = Untrained(selection)
    return found


def _put(mappings: dict, key: str, name: str, value) -> None:
    """Sets an entry of one of several mappings, which are copied; None takes it away."""
    changed = {**(mappings.get(key) or {}), name: value}
    mappings[key] = {k: v for k, v in changed.items() if v is not None}
