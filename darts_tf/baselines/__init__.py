"""Baselines: searches without a gradient of the architecture, which any other has to beat.

A baseline proposes the next architecture to evaluate; see `run`.
"""

import types

from darts_tf.baselines.aging_evolution import AgingEvolution, mutate
from darts_tf.baselines.baseline import Baseline, Candidate, best, run
from darts_tf.baselines.random_search import RandomSearch
from darts_tf.common import lookup

__all__ = [
    "BASELINES",
    "AgingEvolution",
    "Baseline",
    "Candidate",
    "RandomSearch",
    "best",
    "get",
    "mutate",
    "register",
    "run",
]

_BASELINES = {baseline.name: baseline for baseline in (RandomSearch(), AgingEvolution())}

#: All baselines by name, to be read; `register` adds to them.
BASELINES = types.MappingProxyType(_BASELINES)


def register(baseline: Baseline, *, replace: bool = False) -> Baseline:
    """Makes a baseline of your own known by its name; returns it.

    Args:
        baseline: the baseline.
        replace: whether it may take the place of another one of its name.

    Raises:
        UserError: another baseline has that name; the same definition may come again.
    """
    return lookup.register("baseline", _BASELINES, baseline.name, baseline, replace)


def get(name: str) -> Baseline:
    """The baseline of that name.

    Raises:
        UserError: no baseline has that name.
    """
    return lookup.lookup("baseline", BASELINES, name)
