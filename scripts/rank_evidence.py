"""Which evidence on a cell ranks cells as a table of known accuracies does.

    python -m scripts.rank_evidence --data_dir=DATA --benchmark_table=TABLE.csv --output_dir=OUT

Random cells of NAS-Bench-201: the training-free scores of `darts_tf.budget.scores`, and the
validation accuracy of their small networks on CIFAR-10 after the first rungs of
`darts_tf.budget.image_candidates`. It writes to OUT: evidence.jsonl, a line a cell and size of
networks, with which it goes on; and evidence.csv, Kendall's tau of each evidence with the test
accuracy of the table, among all cells and among the better half.
"""

import csv
import dataclasses
import io
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from scipy import stats

from darts_tf import genotypes, spaces
from darts_tf.budget import scores
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.journal import Journal
from darts_tf.budget.size import Size
from darts_tf.common import files, seeds
from darts_tf.networks import build_network
from scripts import judged_cells
from scripts.judged_cells import JudgedConfig
from train import fields, program

_SPACE = spaces.NAS_BENCH_201
# Images that scores look at.
_IMAGES = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvidenceConfig(JudgedConfig):
    """Which cells are looked at, and how."""

    output_dir: str | None = fields.text(None, "The folder that is written to.")
    train_examples: int = fields.integer(10_000, "Training images.", lower_bound=100)
    random_cells: int = fields.integer(100, "How many cells.", lower_bound=3)
    network_cells: tuple[str, ...] = fields.words(
        ["3", "6"], "Cells of the small networks, one table row of trainings for each."
    )
    rungs: int = fields.integer(2, "How many rungs of trainings.", lower_bound=1)


def main(config: EvidenceConfig) -> None:
    """Measures, or goes on, and writes the table."""
    table, data = judged_cells.load(config)
    folder = files.make_folder(config.output_dir)
    journal = Journal(folder / "evidence.jsonl")
    done = {(record["cell"], record["network_cells"]) for record in journal.records}
    for cells in map(int, config.network_cells):
        evaluator = ImageCandidates(
            _SPACE, data, (16, 15), proxy=Size(cells=cells), seed=config.seed
        )
        for number in range(config.random_cells):
            if (number, cells) not in done:
                journal.add(_evidence(config, data, evaluator, number, cells))
                print(f"cell {number + 1} of {config.random_cells}, {cells} cells", flush=True)
    text = _table(journal.records, table)
    files.write(folder / "evidence.csv", text)
    print(text, end="")


def _evidence(config, data, evaluator, number: int, cells: int) -> dict:
    genotype = genotypes.sample(_SPACE, seeds.of_sample(config.seed, number))
    found = {"cell": number, "network_cells": cells, "genotype": genotype.to_dict()}
    images, small = evaluator.examples(_IMAGES), evaluator.proxy
    network = build_network(genotype, images.shape[1:], data.num_classes, small.channels, cells)
    for name, score in scores.SCORES.items():
        started = time.process_time()
        found[name] = score(network, images)
        found[f"{name} seconds"] = time.process_time() - started
    started = time.process_time()
    for rung in range(config.rungs):
        evidence = evaluator.train(number, genotype, rung)
        name = f"accuracy after {evidence['steps']} steps"
        found[name] = evidence["accuracy"]
        found[f"{name} seconds"] = time.process_time() - started
    return found


def _table(records, table) -> str:
    """Kendall's tau of each evidence, as CSV."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    head = ("network_cells", "evidence", "cells", "tau", "tau_better_half", "processor_seconds")
    writer.writerow(head)
    for cells in sorted({record["network_cells"] for record in records}):
        rows = [record for record in records if record["network_cells"] == cells]
        known = judged_cells.known(table, rows)
        better = known >= np.median(known)
        for name in [key.removesuffix(" seconds") for key in rows[0] if key.endswith(" seconds")]:
            # A score that is no finite number is null, and the smallest.
            values = np.array([-np.inf if row[name] is None else row[name] for row in rows])
            values = stats.rankdata(values)
            taus = [stats.kendalltau(values[x], known[x])[0] for x in (slice(None), better)]
            seconds = np.mean([row[f"{name} seconds"] for row in rows])
            numbers = (*(f"{tau:.3f}" for tau in taus), f"{seconds:.2f}")
            writer.writerow([cells, name, len(rows), *numbers])
    return lines.getvalue()


if __name__ == "__main__":
    program.run(main)
