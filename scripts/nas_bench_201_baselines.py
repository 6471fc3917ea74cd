"""Random search and aging evolution on the table of NAS-Bench-201.

    python -m scripts.nas_bench_201_baselines --benchmark_table=nas_bench_201_12epochs.csv

Both search on the CIFAR-10 validation accuracy of the table; what they found is judged by its test
accuracy. Writes to results/nas_bench_201: baselines.csv, mean and standard deviation over the seeds
by budget, and baselines.png. With 500 seeds it takes some minutes of one core.
"""

import pathlib

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from absl import flags

from darts_tf import baselines, plots, spaces
from darts_tf.common.errors import UserError
from darts_tf.nas_bench.table_searches import JUDGED, SEARCHED, as_csv, best_so_far
from darts_tf.nas_bench.tables import BenchmarkTable
from darts_tf.runs import run_folder
from train import program

_TABLE = flags.DEFINE_string("benchmark_table", None, "A CSV file, or a folder of NATS-Bench.")
_SEEDS = flags.DEFINE_integer("seeds", 500, "Searches of each kind.", lower_bound=2)
_OUTPUT = flags.DEFINE_string("output", "results/nas_bench_201", "The folder to write to.")

BUDGETS = (50, 100, 200)


def main() -> None:
    """Runs the searches that the flags describe."""
    if not _TABLE.value:
        raise UserError("--benchmark_table is missing; give a CSV file")
    table = BenchmarkTable.load(_TABLE.value)
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        name: np.array([found_by_budget(name, table, seed) for seed in range(_SEEDS.value)])
        for name in baselines.BASELINES
    }
    run_folder.write_file(folder / "baselines.csv", as_csv(table, found, BUDGETS))
    label, values = "CIFAR-10 test accuracy, %", table.column(JUDGED)
    plots.plot_best_so_far(
        {label: {name: values[indices] for name, indices in found.items()}},
        folder / "baselines.png",
        best={label: values.max()},
        title="NAS-Bench-201, mean and standard deviation over the seeds",
    )
    print((folder / "baselines.csv").read_text(), end="")


def found_by_budget(name: str, table: BenchmarkTable, seed: int) -> np.ndarray:
    """The index of the best architecture after 1, 2, ... evaluations, by the searched column."""
    candidates = baselines.run(
        baselines.get(name),
        spaces.NAS_BENCH_201,
        lambda genotype: table.accuracy(genotype, SEARCHED),
        max(BUDGETS),
        seed,
    )
    return best_so_far(table, [table.index(candidate.genotype) for candidate in candidates])


if __name__ == "__main__":
    program.run(main)
