"""Searches without networks: an evaluator whose steps take as long as a clock says."""

import dataclasses
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

# Which take less time to rank.
FEWER_DRAWS = {"predicted": dataclasses.replace(PROPOSALS["predicted"], pool=60)}


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

    def work(self, genotype, rung):
        return (0.5 + quality(genotype)) * self._growth**rung


def search(evaluator, path=None, budget=100.0, proposals="predicted", **options):
    """A search of NAS-Bench-201's space, which goes on with what `path` holds."""
    journal = Journal(path)
    earlier = journal.records[-1]["spent"] if journal.records else 0.0
    choice = Choice(SPACE, options.pop("allowed", lambda genotype: True), ALL_NONE, costs)
    return BudgetedSearch(
        choice,
        {**PROPOSALS, **FEWER_DRAWS}.get(proposals, proposals),
        evaluator,
        budget=budget,
        clock=options.pop("clock", None) or Clock(earlier, evaluator),
        journal=journal,
        **options,
    )


class FakeSource:
    """Finds a genotype in three parts of 5 seconds, of which it keeps each once it was told.

    Args:
        evaluator: whose clock it moves.
        kept: numbers of parts; those of an earlier start are not done again.
    """

    def __init__(self, evaluator, kept, genotype, parts=3, seconds=5):
        self._evaluator, self._kept, self._genotype = evaluator, kept, genotype
        self._parts, self._seconds = parts, seconds

    def run(self, told, more, tell):
        for part in range(len(self._kept) + 1, self._parts + 1):
            if part > told and not more:
                break
            if len(self._evaluator.done) == self._evaluator.dies_in:
                raise KeyboardInterrupt
            self._evaluator.now += self._seconds
            self._evaluator.done.append(("source", part))
            more = tell({"epoch": part})
            self._kept.append(part)
        return [(self._genotype, f"source of {len(self._kept)}")]

    def work(self):
        return self._seconds


def ran(**options):
    """A search that has ended, its evaluator, and what it has found."""
    evaluator = FakeEvaluator()
    made = search(evaluator, **options)
    best = made.run()
    return made, evaluator, best
