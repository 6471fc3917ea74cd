"""Schedules: how a search changes while it runs.

Values and the warm-up are functions `(epoch, epochs) -> value` without a state, so that a resumed
search is where an uninterrupted one would be; epochs count from 0. `Stage` is for methods that go
on with another supernet. Rules look at the search after every epoch, and end it or decide about
edges; see `darts_tf.schedules.rules`.
"""

from collections.abc import Mapping

from darts_tf.common.registry import Registry
from darts_tf.schedules.adaptive_decay import AdaptiveDecay
from darts_tf.schedules.eigenvalue_stop import EigenvalueStop
from darts_tf.schedules.greedy_decisions import GreedyDecisions
from darts_tf.schedules.growing import Growing
from darts_tf.schedules.options import with_options
from darts_tf.schedules.skip_dropout import SkipDropout
from darts_tf.schedules.skip_stop import SkipStop
from darts_tf.schedules.stages import Stage, keep_largest
from darts_tf.schedules.values import Linear
from darts_tf.schedules.warm_up import WarmUp

__all__ = [
    "AdaptiveDecay",
    "EigenvalueStop",
    "GreedyDecisions",
    "Growing",
    "Linear",
    "SkipDropout",
    "SkipStop",
    "Stage",
    "WarmUp",
    "get",
    "keep_largest",
    "label",
    "names",
    "register",
    "serialize",
    "with_options",
]

# Values and rules. Those that cannot be made without numbers are here as classes.
_SCHEDULES = Registry(
    "schedule",
    {
        "linear": Linear,
        "warm_up": WarmUp,
        "skip_dropout": SkipDropout,
        "eigenvalue_stop": EigenvalueStop,
        "adaptive_decay": AdaptiveDecay,
        "skip_stop": SkipStop,
        "greedy_decisions": GreedyDecisions,
        "growing": Growing,
    },
)


def register(name: str, schedule, *, replace: bool = False):
    """Makes a schedule of your own known by a name; returns it.

    Args:
        name: what a method's row and configurations refer to.
        schedule: `(epoch, epochs) -> value`, or a rule; or a class of either.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another schedule has that name; the same definition may come again.
    """
    return _SCHEDULES.register(name, schedule, replace)


def names() -> tuple[str, ...]:
    """The names of all schedules."""
    return tuple(_SCHEDULES)


def get(schedule):
    """The schedule that a name, a callable or a configuration stands for.

    Args:
        schedule: a name, of one that needs no numbers; `{"class_name": ..., "config": {...}}`,
            whose values may be configurations themselves; a schedule, which is returned.

    Raises:
        UserError: no schedule has that name or takes these numbers; it is something else.

    Example:
        >>> get({"class_name": "Linear", "config": {"first": 1.0, "last": 0.0}})
    """
    if isinstance(schedule, str):
        schedule = _SCHEDULES.named(schedule)
    if isinstance(schedule, type):
        schedule = _SCHEDULES.make(schedule, {})
    if isinstance(schedule, Mapping) and isinstance(schedule.get("config"), Mapping):
        inner = {k: get(v) if isinstance(v, Mapping) else v for k, v in schedule["config"].items()}
        schedule = {**schedule, "config": inner}
    return _SCHEDULES.resolve(schedule)


def serialize(schedule):
    """A name or configuration that `get` makes it of again; itself if it has neither."""
    if schedule is None or isinstance(schedule, str):
        return schedule
    found = _SCHEDULES.serialize(get(schedule))
    if isinstance(found, dict):
        own = found["config"]
        inner = {k: serialize(v) if callable(v) else v for k, v in own.items()}
        found = {**found, "config": inner}
    return found


def label(schedule) -> str:
    """How messages call a schedule: its name, or that of the callable."""
    return _SCHEDULES.label(schedule)
