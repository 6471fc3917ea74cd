"""Baselines: searches without a gradient of the architecture, which any other has to beat.

A baseline proposes the next architecture to evaluate; see `run`.
"""

from darts_tf.baselines.aging_evolution import AgingEvolution, mutate
from darts_tf.baselines.baseline import Baseline, Candidate, best, run
from darts_tf.baselines.random_search import RandomSearch
from darts_tf.lookup import lookup

__all__ = [
    "BASELINES",
    "AgingEvolution",
    "Baseline",
    "Candidate",
    "RandomSearch",
    "best",
    "get",
    "mutate",
    "run",
]

BASELINES = {baseline.name: baseline for baseline in (RandomSearch(), AgingEvolution())}


def get(name: str) -> Baseline:
    """The baseline of that name.

    Raises:
        UserError: no baseline has that name.
    """
    return lookup("baseline", BASELINES, name)
