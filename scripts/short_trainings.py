"""Which short training of a small network ranks cells, and what of it to look at.

    python -m scripts.short_trainings --data_dir=DATA --benchmark_table=TABLE.csv --output=OUT

Cells of NAS-Bench-201 as a search meets them: the first are random, each the one of four with the
most weights; the others are changes of the residual cell, and changes of these, with two
convolutions of 3x3 at least. Each is
trained as `train.auto` trains candidates on 20,000 images of CIFAR-10, for each of --trainings,
batch size x steps, and a second time from other weights. It writes to OUT: short_trainings.jsonl, a
line a training, with which it goes on; and short_trainings.csv: of each training, Kendall's tau of
validation accuracy, loss and score with the table's test accuracy, and their correlation between
the two times.
"""

import csv
import dataclasses
import io
import random
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from scipy import stats

from darts_tf import baselines, genotypes, spaces
from darts_tf.budget import equivalence
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.journal import Journal
from darts_tf.budget.size import Size
from darts_tf.common import files
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts import judged_cells
from scripts.judged_cells import JudgedConfig
from train import fields, program

_SPACE, _SIZE = spaces.NAS_BENCH_201, (16, 15)
_MEASURES = "accuracy", "loss", "score"
# Cells have two convolutions of 3x3 at least.
_LEAST = 18
# Of the number of a cell, so that the second time begins with other weights.
_AGAIN = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingsConfig(JudgedConfig):
    """Which cells are trained, and how."""

    output: str = fields.text("results/evidence", "The folder that is written to.")
    trainings: tuple[str, ...] = fields.words(
        ["96x80", "32x240", "16x480"], "Batch size and steps of each training."
    )
    train_examples: int = fields.integer(20_000, "Training images.", lower_bound=100)
    random_cells: int = fields.integer(12, "Random ones.", lower_bound=1)
    changed_cells: int = fields.integer(28, "Changes of the residual cell.", lower_bound=1)
    times: int = fields.integer(2, "How often each is trained.", lower_bound=1)
    cells_seed: int = fields.integer(7, "Of the cells.", lower_bound=0)


def main(config: TrainingsConfig) -> None:
    """Measures, or goes on, and writes the table."""
    table, data = judged_cells.load(config)
    folder = files.make_folder(config.output)
    journal = Journal(folder / "short_trainings.jsonl")
    done = {_key(record) for record in journal.records}
    cells = _cells(config)
    for again in range(config.times):
        for training in config.trainings:
            batch_size, steps = map(int, training.split("x"))
            proxy = Size(batch_size=batch_size, steps=steps)
            evaluator = ImageCandidates(_SPACE, data, _SIZE, proxy=proxy, seed=config.seed)
            for number, cell in enumerate(cells):
                if (training, again, number) in done:
                    continue
                started = time.process_time()
                found = evaluator.train(number + _AGAIN * again, cell, 0)
                record = {"training": training, "again": again, "cell": number}
                record |= {"genotype": cell.to_dict(), "seconds": time.process_time() - started}
                journal.add(record | {name: found[name] for name in _MEASURES})
                print(f"{training}, cell {number + 1} of {len(cells)}", flush=True)
    text = summary(journal.records, table)
    files.write(folder / "short_trainings.csv", text)
    print(text, end="")


def _key(record) -> tuple:
    return record["training"], record["again"], record["cell"]


def _cells(config) -> list[genotypes.Genotype]:
    """The cells, of which no two compute the same."""
    draw, found = random.Random(config.cells_seed), {}

    def add(cell) -> bool:
        key = equivalence.key(cell)
        return found.setdefault(key, cell) is cell

    while len(found) < config.random_cells:
        several = [genotypes.sample(_SPACE, draw.getrandbits(48)) for _ in range(4)]
        add(max(several, key=_weights))
    parents = [genotypes.get("NAS_BENCH_201_RESNET")]
    while len(found) < config.random_cells + config.changed_cells:
        cell = draw.choice(parents)
        for _ in range(draw.choice((1, 2))):
            cell = baselines.mutate(_SPACE, cell, draw)
        if _weights(cell) >= _LEAST and add(cell):
            parents.append(cell)
    return list(found.values())


def _weights(cell) -> int:
    """How many weights a cell has, in units of those of a 1x1 convolution."""
    return sum(
        {"nor_conv_3x3": 9, "nor_conv_1x1": 1}.get(e.operation, 0) for e in cell["normal"].edges
    )


def summary(records: list[dict], table: BenchmarkTable) -> str:
    """A line for each training, as CSV.

    Args:
        records: of trainings, as they are in short_trainings.jsonl.
        table: of known accuracies.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    titles = [f"{what}_{name}" for what in ("tau", "agreement") for name in _MEASURES]
    writer.writerow(["training", "cells", "cells_twice", *titles, "processor_seconds"])
    for training in dict.fromkeys(record["training"] for record in records):
        rows = [record for record in records if record["training"] == training]
        first, second = ({r["cell"]: r for r in rows if r["again"] == n} for n in (0, 1))
        both = sorted(first.keys() & second.keys())
        known = judged_cells.known(table, first.values())
        taus, agreements = [], []
        for name in _MEASURES:
            sign = -1 if name == "loss" else 1
            if any(row[name] is None for row in rows):
                # Of earlier versions, whose score was the accuracy.
                taus.append("")
                agreements.append("")
                continue
            found = stats.kendalltau([sign * row[name] for row in first.values()], known)[0]
            taus.append(f"{found:.3f}")
            pairs = np.array([[each[cell][name] for cell in both] for each in (first, second)])
            agreements.append(f"{np.corrcoef(pairs)[0, 1]:.3f}" if len(both) > 2 else "")
        seconds = np.mean([row["seconds"] for row in rows])
        writer.writerow([training, len(first), len(both), *taus, *agreements, f"{seconds:.1f}"])
    return lines.getvalue()


if __name__ == "__main__":
    program.run(main)
