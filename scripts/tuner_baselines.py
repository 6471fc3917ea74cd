"""Keras Tuner on the table of NAS-Bench-201: stock tuners, and what supernets propose.

    python -m scripts.tuner_baselines --benchmark_table=TABLE.csv --data_dir=D --supernets=RUN,RUN

RandomSearch, BayesianOptimization and `SupernetOracle` search the hyperparameters of
`CellHyperModel` for the best CIFAR-10 validation accuracy in the table, so a trial trains nothing;
what they found is judged by its test accuracy. A supernet is a run of NAS-Bench-201 by
`train.search` (scripts.nas_bench_201_searches makes several); the seeds of its method's oracle take
the method's supernets by turns. An oracle draws --samples architectures by the supernet's alphas
(`random-ws` has none: all are equally likely) and proposes them in the order of their accuracy with
the supernet's weights on --batches validation batches of the search.

Every search stays in --runs; started again, the program goes on where it stopped. Writes to
--output: nas_bench_201.csv, mean and standard deviation over the seeds by number of trials;
nas_bench_201.png; and searches.csv, a line a search: how many different architectures its trials
were and, for a supernet, Kendall's tau between its accuracies of what was drawn and the table's.
"""

import csv
import dataclasses
import io
import json
import pathlib
import tempfile

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import keras_tuner
import numpy as np
from scipy.stats import kendalltau

from darts_tf import plots, spaces
from darts_tf.common.errors import UserError
from darts_tf.nas_bench.table_searches import JUDGED, SEARCHED, as_csv, best_so_far
from darts_tf.runs import run_folder
from darts_tf.tuner import BayesianOptimizationOracle, CellHyperModel, SupernetOracle
from train import data_flags, fields, program, results, search_setup
from train import runs as runs_of_train
from train.search_flags import SearchConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TunerBaselinesConfig(SearchConfig):
    """The tuners that are compared, and the searches whose supernets guide some of them."""

    seeds: int = fields.integer(20, "Searches of each kind.", lower_bound=2)
    bayesian_seeds: int | None = fields.integer(
        None,
        "Searches by BayesianOptimization, each of which takes half a minute of a core; default: "
        "as many as of the others.",
        lower_bound=2,
    )
    trials: int = fields.integer(50, "Trials of each search.", lower_bound=10)
    supernets: tuple[str, ...] = fields.words([], "Folders of train.search, for SupernetOracle.")
    samples: int = fields.integer(100, "Architectures that a supernet ranks.", lower_bound=2)
    batches: int = fields.integer(2, "Validation batches for each of them.", lower_bound=1)
    runs: str = fields.text("runs/tuner", "Where the searches are kept.")
    output: str = fields.text("results/tuner", "The folder to write to.")

    @classmethod
    def shown(cls) -> list[str]:
        # The settings of a search are those of its folder.
        return [name for name in cls.names() if name not in SearchConfig.names()]


BUDGETS = (10, 25, 50, 100)
OBJECTIVE = keras_tuner.Objective(SEARCHED, "max")


STOCK = {
    "RandomSearch": keras_tuner.oracles.RandomSearchOracle,
    "BayesianOptimization": BayesianOptimizationOracle,
}


def main(config: TunerBaselinesConfig) -> None:
    """Runs the searches."""
    table = results.load_table(config, spaces.NAS_BENCH_201.name)
    if table is None:
        raise UserError("--benchmark_table is missing; give a CSV file")
    searches_of = {"RandomSearch": stock(config, "RandomSearch", table, config.seeds)}
    by_method = {}
    for run in map(pathlib.Path, config.supernets):
        by_method.setdefault(search_setup.of_run(config, run).method, []).append(run)
    for method, runs in by_method.items():
        searches_of[f"SupernetOracle, {method}"] = [
            search for i in range(len(runs)) for search in guided(config, runs, i, table)
        ]
    searches_of["BayesianOptimization"] = stock(
        config, "BayesianOptimization", table, config.bayesian_seeds or config.seeds
    )
    write(config, searches_of, table)


def stock(config: TunerBaselinesConfig, name: str, table, seeds: int) -> list[dict]:
    """The searches by one of Keras Tuner's oracles."""

    def search(seed):
        oracle = STOCK[name](
            objective=OBJECTIVE,
            max_trials=config.trials,
            # Keras Tuner counts its seed up with every draw, so near seeds would share their draws.
            seed=10_000 * (seed + 1),
            hyperparameters=_hypermodel().hyperparameters(),
        )
        return {"seed": seed, "evaluated": evaluate(oracle, table)}

    return [kept(config, f"{name}_{seed}", lambda s=seed: search(s)) for seed in range(seeds)]


def guided(config: TunerBaselinesConfig, runs: list[pathlib.Path], i: int, table) -> list[dict]:
    """The searches whose seeds take the supernet of `runs[i]`."""
    supernet = validation = None

    def search(seed):
        nonlocal supernet, validation
        if supernet is None:
            run = search_setup.of_run(config, runs[i])
            keras.utils.set_random_seed(run.seed)
            run, data = data_flags.load(runs_of_train.keep_augmentation(run, runs[i]))
            description = data.description(trains=False)
            runs_of_train.refuse_other_data(run, data, runs[i], description, "supernets")
            supernet = search_setup.restore(run, data, run.make_method(), runs[i])[0].supernet
            validation = search_setup.validation_batches(run, data)
        oracle = SupernetOracle(
            _hypermodel(),
            supernet,
            validation,
            samples=config.samples,
            batches=config.batches,
            objective=OBJECTIVE,
            max_trials=config.trials,
            seed=seed,
        )
        known = [table.accuracy(candidate.genotype, SEARCHED) for candidate in oracle.ranking]
        guessed = [candidate.accuracy for candidate in oracle.ranking]
        return {
            "seed": seed,
            "evaluated": evaluate(oracle, table),
            "supernet": runs[i].name,
            "ranked": len(known),
            "kendall_tau": float(kendalltau(guessed, known).statistic),
        }

    seeds = range(i, config.seeds, len(runs))
    return [
        kept(config, f"SupernetOracle_{runs[i].name}_{seed}", lambda s=seed: search(s))
        for seed in seeds
    ]


def kept(config: TunerBaselinesConfig, name: str, search) -> dict:
    """The result of a search, from the file of an earlier start if there is one."""
    path = pathlib.Path(config.runs) / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run_folder.write_file(path, json.dumps(search()) + "\n")
        print(f"{name} is done", flush=True)
    return json.loads(path.read_text())


def evaluate(oracle, table) -> list[int]:
    """The indices of an oracle's architectures, in the order of its trials."""
    hypermodel, evaluated = _hypermodel(), []

    class OnTable(keras_tuner.Tuner):
        def run_trial(self, trial, *args, **kwargs):
            evaluated.append(table.index(hypermodel.genotype(trial.hyperparameters)))
            return {SEARCHED: float(table.column(SEARCHED)[evaluated[-1]])}

    with tempfile.TemporaryDirectory() as directory:
        OnTable(oracle, directory=directory).search(verbose=0)
    return evaluated


def _hypermodel() -> CellHyperModel:
    return CellHyperModel(spaces.NAS_BENCH_201.name, (32, 32, 3), 10)


def write(config: TunerBaselinesConfig, results: dict[str, list[dict]], table) -> None:
    """Writes and prints what was found."""
    folder = pathlib.Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    best = {
        name: np.array([best_so_far(table, search["evaluated"]) for search in searches])
        for name, searches in results.items()
    }
    means = as_csv(table, best, BUDGETS, head="tuner")
    run_folder.write_file(folder / "nas_bench_201.csv", means)
    columns = {
        "CIFAR-10 validation accuracy (searched), %": table.column(SEARCHED),
        "CIFAR-10 test accuracy (judged), %": table.column(JUDGED),
    }
    plots.plot_best_so_far(
        {
            label: {name: values[indices] for name, indices in best.items()}
            for label, values in columns.items()
        },
        folder / "nas_bench_201.png",
        best={label: values.max() for label, values in columns.items()},
        xlabel="trials",
        title="Keras Tuner on NAS-Bench-201, mean and standard deviation over the seeds",
    )
    run_folder.write_file(folder / "searches.csv", _line_by_line(results, table))
    print(means, end="")


def _line_by_line(results, table) -> str:
    lines = io.StringIO()
    own = ["supernet", "ranked", "kendall_tau"]
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["tuner", "seed", "trials", "different", "test_accuracy", *own])
    for name, searches in results.items():
        for search in searches:
            evaluated = search["evaluated"]
            accuracy = table.column(JUDGED)[best_so_far(table, evaluated)[-1]]
            line = [name, search["seed"], len(evaluated), len(set(evaluated)), f"{accuracy:.2f}"]
            writer.writerow([*line, *(search.get(key, "") for key in own)])
    return lines.getvalue()


if __name__ == "__main__":
    program.run(main)
