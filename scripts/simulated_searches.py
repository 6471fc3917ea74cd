"""How good the cells are that a way to propose candidates finds, by searches that train nobody.

    python -m scripts.simulated_searches --benchmark_table=TABLE.csv --output=OUT

Searches of 15 minutes of reference work in NAS-Bench-201's space, for each of --seeds. The score of
a candidate is what the table says of it on ImageNet16-120, the mean of validation and test, plus
normal noise: an error of the cell that all its trainings share, and one of each rung. CIFAR-10's
columns are not looked at, so that what is decided here may be judged by them. The ways to propose
are the model of `train.auto`; the same after ten random candidates in place of six; this with a
random candidate among five in place of ten; and this without the features of
`darts_tf.budget.ways`. A first training takes --seconds, of which the number of candidates follows.
Writes to OUT: simulated_searches.jsonl, a line a search, with which it goes on; and
simulated_searches.csv: of each way the accuracy of what is found, of the best candidate that was
tried, and of the last twelve, means over the seeds that all ways have with the standard error of
the difference from the first way.
"""

import csv
import dataclasses
import io
import itertools

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np

from darts_tf import genotypes, spaces
from darts_tf.budget import halving
from darts_tf.budget.clock import ReferenceClock
from darts_tf.budget.constraints import CountedCosts
from darts_tf.budget.journal import Journal
from darts_tf.budget.proposals import PROPOSALS, Choice
from darts_tf.budget.search import BudgetedSearch
from darts_tf.common import files
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts.comparisons import need
from train import fields, program
from train.config import Config

_SPACE = spaces.NAS_BENCH_201
_PUBLISHED = "NAS_BENCH_201_RESNET"
_COLUMNS = "imagenet16_120_val", "imagenet16_120_test"
_BUDGET, _LATEST = 900.0, 12
_NUMBERS = "found", "best_tried", "latest_tried"
#: Percentage points of the error of a cell, and of those of its rungs.
SHARED, OF_RUNGS = 1.5, (3.0, 2.0, 1.3, 1.0)

_MODEL = PROPOSALS["predicted"]
_MORE_RANDOM = dataclasses.replace(_MODEL, first=10, random_every=5)
#: Name -> how candidates are proposed.
WAYS = {
    "present": _MODEL,
    "first 10": dataclasses.replace(_MODEL, first=10),
    "first 10, random every 5": _MORE_RANDOM,
    "first 10, random every 5, without ways": dataclasses.replace(_MORE_RANDOM, sees_ways=False),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimulationConfig(Config):
    """How many searches there are."""

    benchmark_table: str | None = fields.text(None, "A CSV file of NAS-Bench-201.")
    first_seed: int = fields.integer(0, "The first seed.", lower_bound=0)
    seeds: int = fields.integer(20, "Searches of each kind.", lower_bound=1)
    seconds: float = fields.number(
        9.0, "Reference seconds of a first training; 9 make 36 candidates, 20 make 16."
    )
    output: str = fields.text("results/evidence", "The folder that is written to.")


class Drawn:
    """An `Evaluator` that looks scores up and adds noise.

    Args:
        known: of each cell of the table, percent.
        table: of known accuracies.
        costs: genotype -> its costs.
        seed: of the noise.
        seconds: of a first training, reference work.
    """

    def __init__(
        self, known: np.ndarray, table: BenchmarkTable, costs, *, seed: int, seconds: float
    ):
        self.costs, self._seconds = costs, seconds
        self._table, self._known, self._seed = table, known, seed
        self._shown = known + np.random.default_rng(seed).normal(0, SHARED, len(known))

    def known(self, genotype) -> float:
        """Its accuracy, percent."""
        return self._known[self._table.index(genotype)]

    def train(self, number, genotype, rung):
        """See `Evaluator`."""
        noise = np.random.default_rng([self._seed, number, rung])
        error = noise.normal(0, OF_RUNGS[min(rung, len(OF_RUNGS) - 1)])
        score = float(self._shown[self._table.index(genotype)] + error) / 100
        return {"score": score, "deviation": 0.01}

    def work(self, genotype, rung):
        """See `Evaluator`."""
        return self._seconds * halving.work(rung)


def main(config: SimulationConfig) -> None:
    """Searches, and writes the table."""
    need(config, "benchmark_table")
    table = BenchmarkTable.load(config.benchmark_table)
    known = np.mean([table.column(name) for name in _COLUMNS], axis=0)
    costs = CountedCosts(_SPACE, (32, 32, 3), 10, 16, 15)
    folder = files.make_folder(config.output)
    journal = Journal(folder / "simulated_searches.jsonl")
    records = [record for record in journal.records if record["seconds"] == config.seconds]
    done = {(record["seed"], record["proposals"]) for record in records}
    seeds = range(config.first_seed, config.first_seed + config.seeds)
    for seed, (name, propose) in itertools.product(seeds, WAYS.items()):
        if (seed, name) not in done:
            drawn = Drawn(known, table, costs, seed=seed, seconds=config.seconds)
            found = _search(drawn, seed, propose)
            numbers = dict(zip(_NUMBERS, map(float, found), strict=True))
            record = {"seconds": config.seconds, "seed": seed, "proposals": name}
            journal.add(record | numbers)
            print(f"seed {seed}, {name}: {found[0]:.2f}", flush=True)
    text = summary(journal.records)
    files.write(folder / "simulated_searches.csv", text)
    print(text, end="")


def _search(drawn: Drawn, seed: int, propose) -> tuple[float, ...]:
    """Of what is found, of the best that was tried, and of the latest ones."""
    costs = drawn.costs
    choice = Choice(_SPACE, lambda genotype: True, costs.cheapest("multiply_adds"), costs)
    search = BudgetedSearch(
        choice,
        propose,
        drawn,
        budget=_BUDGET,
        clock=ReferenceClock(),
        starts=[(genotypes.get(_PUBLISHED), _PUBLISHED)],
        known=[_PUBLISHED],
        seed=seed,
        rungs=propose.rungs,
    )
    best = search.run()
    tried = np.array([drawn.known(candidate.genotype) for candidate in search.candidates])
    return drawn.known(best.genotype), tried.max(), tried[-_LATEST:].mean()


def summary(records: list[dict]) -> str:
    """A line for each way, as CSV, of the seeds that all ways have.

    Args:
        records: of searches, as they are in simulated_searches.jsonl.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    errors = [f"{name}_difference_error" for name in _NUMBERS]
    writer.writerow(["seconds", "proposals", "seeds", *_NUMBERS, *errors])
    for seconds in sorted({record["seconds"] for record in records}):
        found = {}
        for record in (record for record in records if record["seconds"] == seconds):
            numbers = [record[name] for name in _NUMBERS]
            found.setdefault(record["proposals"], {})[record["seed"]] = numbers
        seeds = sorted(set.intersection(*(set(one) for one in found.values())))
        first = None
        for name in (name for name in WAYS if name in found):
            own = np.array([found[name][seed] for seed in seeds])
            first = own if first is None else first
            error = (own - first).std(axis=0, ddof=1) / np.sqrt(len(seeds))
            numbers = (f"{number:.2f}" for number in (*own.mean(axis=0), *error))
            writer.writerow([f"{seconds:g}", name, len(seeds), *numbers])
    return lines.getvalue()


if __name__ == "__main__":
    program.run(main)
