"""Baselines: searches without a gradient of the architecture, which any other has to beat.

A baseline proposes the next architecture to evaluate; see `run`.
"""

from darts_tf.baselines.aging_evolution import AgingEvolution, mutate
from darts_tf.baselines.baseline import Baseline, Candidate, best, run
from darts_tf.baselines.random_search import RandomSearch
from darts_tf.common.registry import Registry

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

#: All baselines by name, to be read; `register` adds to them.
BASELINES = Registry(
    "baseline",
    {baseline.name: baseline for baseline in (RandomSearch(), AgingEvolution())},
    Baseline,
)


def register(baseline: Baseline, *, replace: bool = False) -> Baseline:
    """Makes a baseline of your own known by its name; returns it.

    Args:
        baseline: the baseline.
        replace: whether it may take the place of another one of its name.

    Raises:
        UserError: another baseline has that name; the same definition may come again.
    """
    return BASELINES.register(baseline.name, baseline, replace)


def get(baseline: str | Baseline) -> Baseline:
    """The baseline of that name, or the one that is given.

    Raises:
        UserError: no baseline has that name; it is something else.
    """
    return BASELINES.resolve(baseline)
