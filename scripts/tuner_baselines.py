"""The stock tuners of Keras Tuner on the table of NAS-Bench-201.

    python -m scripts.tuner_baselines --benchmark_table=nas_bench_201_12epochs.csv

RandomSearch and BayesianOptimization search the hyperparameters of `CellHyperModel` for the best
CIFAR-10 validation accuracy in the table, so a trial trains nothing; what they found is judged by
its test accuracy. Writes to results/tuner: nas_bench_201.csv, mean and standard deviation over the
seeds by number of trials, and nas_bench_201.png.

BayesianOptimization draws its first 18 trials at random (3 for each hyperparameter) and then thinks
for seconds of a core about each one; so it has flags of its own. The defaults take some minutes of
one core.
"""

import csv
import io
import pathlib
import tempfile

import keras_tuner
import numpy as np
from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import run_folder
from darts_tf.benchmark_tables import BenchmarkTable
from darts_tf.errors import UserError
from darts_tf.tuner import CellHyperModel
from train import program

_TABLE = flags.DEFINE_string("benchmark_table", None, "A CSV file, or a folder of NATS-Bench.")
_SEEDS = flags.DEFINE_integer("seeds", 20, "Searches by RandomSearch.", lower_bound=2)
_TRIALS = flags.DEFINE_integer("trials", 50, "Trials of RandomSearch.", lower_bound=10)
_BAYESIAN_SEEDS = flags.DEFINE_integer(
    "bayesian_seeds", 3, "Searches by BayesianOptimization.", lower_bound=2
)
_BAYESIAN_TRIALS = flags.DEFINE_integer(
    "bayesian_trials", 25, "Trials of BayesianOptimization.", lower_bound=10
)
_OUTPUT = flags.DEFINE_string("output", "results/tuner", "The folder to write to.")

BUDGETS = (10, 25, 50, 100)
SEARCHED, JUDGED = "cifar10_val", "cifar10_test"
TUNERS = {
    "RandomSearch": keras_tuner.RandomSearch,
    "BayesianOptimization": keras_tuner.BayesianOptimization,
}


def main() -> None:
    """Runs the searches that the flags describe."""
    if not _TABLE.value:
        raise UserError("--benchmark_table is missing; give a CSV file")
    table = BenchmarkTable.load(_TABLE.value)
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {
        "RandomSearch": (_SEEDS.value, _TRIALS.value),
        "BayesianOptimization": (_BAYESIAN_SEEDS.value, _BAYESIAN_TRIALS.value),
    }
    found = {
        name: np.array([found_by_trial(name, table, seed, trials) for seed in range(seeds)])
        for name, (seeds, trials) in sizes.items()
    }
    run_folder.write_file(folder / "nas_bench_201.csv", as_csv(found, table))
    plot(found, table, folder / "nas_bench_201.png")
    print((folder / "nas_bench_201.csv").read_text(), end="")


def found_by_trial(name: str, table: BenchmarkTable, seed: int, trials: int) -> np.ndarray:
    """The index of the best architecture after 1, 2, ... trials, by the searched column."""
    hypermodel = CellHyperModel("nas_bench_201", (32, 32, 3), 10)
    evaluated = []

    class OnTable(TUNERS[name]):
        def run_trial(self, trial, *args, **kwargs):
            evaluated.append(table.index(hypermodel.genotype(trial.hyperparameters)))
            return {SEARCHED: float(table.columns[SEARCHED][evaluated[-1]])}

    with tempfile.TemporaryDirectory() as directory:
        OnTable(
            objective=keras_tuner.Objective(SEARCHED, "max"),
            max_trials=trials,
            # Keras Tuner counts its seed up with every draw, so near seeds would share their draws.
            seed=10_000 * (seed + 1),
            hyperparameters=hypermodel.hyperparameters(),
            directory=directory,
        ).search(verbose=0)
    scores = table.columns[SEARCHED][evaluated]
    return np.array([evaluated[int(np.argmax(scores[: n + 1]))] for n in range(len(scores))])


def as_csv(found: dict, table: BenchmarkTable) -> str:
    """Mean and standard deviation over the seeds, a line for each tuner and number of trials."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["tuner", "trials", "seeds", "test_mean", "test_std", "val_mean", "val_std"])
    for name, indices in found.items():
        for budget in [budget for budget in BUDGETS if budget <= indices.shape[1]]:
            at = indices[:, budget - 1]
            numbers = [
                f"{number:.2f}"
                for column in (JUDGED, SEARCHED)
                for number in (table.columns[column][at].mean(), table.columns[column][at].std())
            ]
            writer.writerow([name, budget, len(at), *numbers])
    return lines.getvalue()


def plot(found: dict, table: BenchmarkTable, path) -> None:
    """Mean and standard deviation of the validation and the test accuracy against the trials."""
    from matplotlib.figure import Figure

    from darts_tf.plots import style

    titles = {SEARCHED: "validation accuracy (searched)", JUDGED: "test accuracy (judged)"}
    with style.context():
        figure = Figure(figsize=(9.6, 4.0), layout="constrained")
        for axes, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
            values = table.columns[column]
            colours = (style.GREY, style.BLUE)
            for (name, indices), colour in zip(found.items(), colours, strict=True):
                means, spreads = values[indices].mean(axis=0), values[indices].std(axis=0)
                trials = np.arange(1, len(means) + 1)
                axes.plot(trials, means, color=colour, label=f"{name}, {len(indices)} seeds")
                axes.fill_between(
                    trials, means - spreads, means + spreads, color=colour, alpha=0.2, lw=0
                )
            axes.axhline(values.max(), color=style.INK, lw=0.8, ls="dotted")
            low = min(values[indices[:, 4]].mean() for indices in found.values())
            axes.set_ylim(low - 2, values.max() + 0.3)
            axes.set_xlabel("trials")
            axes.set_ylabel(f"CIFAR-10 {title}, %")
        axes.legend(loc="lower right")
        figure.suptitle("Keras Tuner on NAS-Bench-201, mean and standard deviation over the seeds")
        style.save(figure, path)


if __name__ == "__main__":
    program.run(main)
