"""Random search and aging evolution on the table of NAS-Bench-201.

    python -m scripts.nas_bench_201_baselines --benchmark_table=nas_bench_201_12epochs.csv

Both search on the CIFAR-10 validation accuracy of the table; what they found is judged by its test
accuracy. Writes to results/nas_bench_201: baselines.csv, mean and standard deviation over the seeds
by budget, and baselines.png. With 500 seeds it takes some minutes of one core.
"""

import csv
import io
import pathlib

import numpy as np
from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import baselines, run_folder, spaces
from darts_tf.benchmark_tables import BenchmarkTable
from darts_tf.errors import UserError
from train import program

_TABLE = flags.DEFINE_string("benchmark_table", None, "A CSV file, or a folder of NATS-Bench.")
_SEEDS = flags.DEFINE_integer("seeds", 500, "Searches of each kind.", lower_bound=2)
_OUTPUT = flags.DEFINE_string("output", "results/nas_bench_201", "The folder to write to.")

BUDGETS = (50, 100, 200)
SEARCHED, JUDGED = "cifar10_val", "cifar10_test"


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
    run_folder.write_file(folder / "baselines.csv", as_csv(found, table))
    plot(found, table, folder / "baselines.png")
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
    scores = [candidate.score for candidate in candidates]
    best = [int(np.argmax(scores[: n + 1])) for n in range(len(scores))]
    index = {i: table.index(candidates[i].genotype) for i in set(best)}
    return np.array([index[i] for i in best])


def as_csv(found: dict, table: BenchmarkTable) -> str:
    """Mean and standard deviation over the seeds, a line for each method and budget."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(
        ["method", "evaluations", "seeds", "test_mean", "test_std", "val_mean", "val_std"]
    )
    for name, indices in found.items():
        for budget in BUDGETS:
            at = indices[:, budget - 1]
            numbers = [
                f"{number:.2f}"
                for column in (JUDGED, SEARCHED)
                for number in (table.columns[column][at].mean(), table.columns[column][at].std())
            ]
            writer.writerow([name, budget, len(at), *numbers])
    return lines.getvalue()


def plot(found: dict, table: BenchmarkTable, path) -> None:
    """Mean and standard deviation of the test accuracy against the evaluations."""
    from matplotlib.figure import Figure

    from darts_tf.plots import style

    values = table.columns[JUDGED]
    with style.context():
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for (name, indices), colour in zip(found.items(), (style.GREY, style.BLUE), strict=True):
            means, spreads = values[indices].mean(axis=0), values[indices].std(axis=0)
            evaluations = np.arange(1, len(means) + 1)
            axes.plot(evaluations, means, color=colour, label=name)
            axes.fill_between(
                evaluations, means - spreads, means + spreads, color=colour, alpha=0.2, lw=0
            )
        axes.axhline(values.max(), color=style.INK, lw=0.8, ls="dotted")
        axes.set_ylim(values[list(found.values())[0][:, 9]].mean() - 2, values.max() + 0.3)
        axes.set_xlabel("architectures evaluated")
        axes.set_ylabel("CIFAR-10 test accuracy (%)")
        axes.set_title(f"NAS-Bench-201, mean and spread of {_SEEDS.value} seeds")
        axes.legend(loc="lower right")
        style.save(figure, path)


if __name__ == "__main__":
    program.run(main)
