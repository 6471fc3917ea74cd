"""Searches without networks: an evaluator whose steps take as long as a clock says."""

import random

from darts_tf import spaces
from darts_tf.budget.clock import Clock
from darts_tf.budget.journal import Journal
from darts_tf.budget.proposals import PROPOSALS, Choice
from darts_tf.budget.search import BudgetedSearch
from darts_tf.genotypes import CellGenotype, Edge, Genotype

SPACE = spaces.get("nas_bench_201")
VALUES = {name: value for value, name in enumerate(SPACE.operations)}
ALL_NONE = Genotype(
    SPACE,
    {
        "normal": CellGenotype(
            tuple(tuple(Edge("none", s) for s in range(n)) for n in (1, 2, 3)), (3,)
        )
    },
)


def quality(genotype) -> float:
    """The share of the best sum of the operations' numbers, `none` being the worst."""
    edges = genotype["normal"].edges
    return sum(VALUES[edge.operation] for edge in edges) / (len(edges) * max(VALUES.values()))


def costs(genotype) -> dict[str, float]:
    """What more operations with weights cost more."""
    convolutions = sum("conv" in edge.operation for edge in genotype["normal"].edges)
    return {"parameters": 1000 + 100 * convolutions, "multiply_adds": 10_000 + convolutions}


class FakeEvaluator:
    """Scores are the qualities; a step of rung r takes 3^r seconds, of 2 more the first one.

    Attributes:
        done: the steps, as (candidate, rung).
        dies_in: the number of the step that is not finished, None for none.

    Args:
        noise: standard deviation of what scores are off.
    """

    def __init__(self, dies_in=None, growth=3, noise=0.0):
        self.now, self.done, self.dies_in, self._growth = 0.0, [], dies_in, growth
        self._noise = noise

    def __call__(self):
        return self.now

    def costs(self, genotype):
        return costs(genotype)

    def train(self, number, genotype, rung):
        if len(self.done) == self.dies_in:
            raise KeyboardInterrupt
        self.now += self._growth**rung + 2 * (not self.done)
        self.done.append((number, rung))
        noise = self._noise * random.Random(f"{number} {rung}").gauss(0, 1)
        return {"score": quality(genotype) * (1 - 0.5 / (1 + rung)) + noise}


def search(evaluator, path=None, budget=100.0, proposals="predicted", **options):
    """A search of NAS-Bench-201's space, which goes on with what `path` holds."""
    journal = Journal(path)
    earlier = journal.records[-1]["spent"] if journal.records else 0.0
    choice = Choice(SPACE, options.pop("allowed", lambda genotype: True), ALL_NONE, costs)
    return BudgetedSearch(
        choice,
        PROPOSALS[proposals],
        evaluator,
        budget=budget,
        clock=Clock(earlier, evaluator),
        journal=journal,
        **options,
    )
