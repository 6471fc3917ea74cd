"""Cells by several selections from the very same supernets, where DARTS collapses.

    python -m scripts.collapse_and_cure --data_dir=DATA --benchmark_table=TABLE.csv --runs_dir=RUNS

searches CIFAR-10 with configs/collapse_search.flags in every space with every seed, and selects
from each supernet by every selection. The cells are judged by the benchmark's table in its own
space; elsewhere their networks are trained from scratch with configs/collapse_evaluate.flags, equal
cells once. Writes to results/selection: selections.csv, a line for each space, seed and selection;
summary.csv, means over the seeds; monitor.csv, what the collapse monitor measured in every epoch
and when it warned; and the pictures of the selections. Started again it goes on where it stopped.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from absl import flags

from darts_tf.common.errors import UserError
from darts_tf.runs import run_folder
from scripts.comparisons import as_csv
from train import program

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TensorFlow Datasets keeps CIFAR-10.")
_TABLE = flags.DEFINE_string("benchmark_table", None, "A CSV file of NAS-Bench-201.")
_RUNS = flags.DEFINE_string("runs_dir", None, "Where the searches are written to.")
_SPACES = flags.DEFINE_list("spaces", ["nas_bench_201", "s2", "s4"], "The search spaces.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "A search with each.")
_SELECTIONS = flags.DEFINE_list(
    "selections",
    [
        *("magnitude", "operation_strength", "operation_strength_first_order"),
        *("removal", "perturbation"),
    ],
    "The selections to compare.",
)
_BATCHES = flags.DEFINE_integer("selection_batches", 5, "Validation batches for each decision.")
_OUTPUT = flags.DEFINE_string("output", "results/selection", "The folder to write to.")
_SEARCH, _EVALUATE = "configs/collapse_search.flags", "configs/collapse_evaluate.flags"
_BENCHMARK = "nas_bench_201"


def main() -> None:
    """Searches, selects, trains and writes the tables."""
    for flag in (_DATA_DIR, _TABLE, _RUNS):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing; see --help")
    output = pathlib.Path(_OUTPUT.value)
    output.mkdir(parents=True, exist_ok=True)
    rows, watched = [], []
    for seed in _SEEDS.value:
        for space in _SPACES.value:
            run = pathlib.Path(_RUNS.value) / f"{space}_{seed}"
            rows += _rows(space, seed, run, _select(space, seed, run))
            watched += _watched(space, seed, run)
            shutil.copy(run / "selections" / "selections.png", output / f"{space}_{seed}.png")
            run_folder.write_file(output / "selections.csv", as_csv(rows))
            run_folder.write_file(output / "summary.csv", as_csv(_summary(rows)))
            run_folder.write_file(output / "monitor.csv", as_csv(watched))
    print((output / "summary.csv").read_text(), end="")


def _select(space: str, seed: str, run: pathlib.Path) -> list[dict]:
    """Searches and selects where that is not done yet; returns the table of train.select."""
    data = f"--data_dir={_DATA_DIR.value}"
    table = [f"--benchmark_table={_TABLE.value}"] if space == _BENCHMARK else []
    _start(
        *("train.search", f"--flagfile={_SEARCH}", f"--space={space}", f"--seed={seed}"),
        *(data, f"--output_dir={run}"),
    )
    found = run / "selections" / "selections.json"
    if not found.exists():
        _start(
            *("train.select", f"--run_dir={run}", data, *table),
            f"--selection={','.join(_SELECTIONS.value)}",
            f"--selection_batches={_BATCHES.value}",
        )
    return json.loads(found.read_text())


def _start(name, *arguments) -> None:
    done = subprocess.run([sys.executable, "-m", name, *arguments], check=False)
    if done.returncode:
        raise UserError(f"python -m {name} has failed, see above; started again, this goes on")


def _train(genotype: pathlib.Path) -> dict:
    """The result of training a cell's network from scratch."""
    name = hashlib.sha256(genotype.read_bytes()).hexdigest()[:12]
    run = pathlib.Path(_RUNS.value) / "networks" / name
    if not (run / "result.json").exists():
        _start(
            *("train.evaluate", f"--flagfile={_EVALUATE}", f"--genotype={genotype}"),
            *(f"--data_dir={_DATA_DIR.value}", f"--output_dir={run}"),
        )
    return json.loads((run / "result.json").read_text())


def _rows(space, seed, run, selected) -> list[dict]:
    """Lines of selections.csv: what the selections of a supernet found."""
    rows = []
    for one in selected:
        if space == _BENCHMARK:
            accuracy = one["benchmark"]["columns"]["cifar10_test"]["accuracy"]
        else:
            folder = run / "selections" / one["selection"]
            accuracy = 100 * _train(folder / "genotype.json")["test_accuracy"]
        cost = one["cost"]
        rows.append(
            {
                "space": space,
                "seed": seed,
                "selection": one["selection"],
                "skips": sum(one["skip_connections"].values()),
                "parameter_free": sum(one["parameter_free"].values()),
                "parameters": one["network"]["parameters"],
                "supernet_accuracy": round(100 * one["supernet_validation_accuracy"], 2),
                "test_accuracy": round(accuracy, 2),
                "cpu_seconds": cost["cpu_seconds"],
                "images": cost["images_evaluated"] + cost["images_differentiated"],
            }
        )
    return rows


def _watched(space, seed, run) -> list[dict]:
    """Lines of monitor.csv: what the collapse monitor said of the epochs of a search."""
    names = ("parameter_free_normal", "parameter_free_reduce", "none_share")
    return [
        {
            "space": space,
            "seed": seed,
            "epoch": record["epoch"],
            **{name: record.get(name, "") for name in (*names, "eigenvalue", "collapse_warnings")},
            "supernet_accuracy": round(100 * record["val_accuracy"], 2),
        }
        for record in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    ]


def _summary(rows) -> list[dict]:
    """Means over the seeds, and the standard deviation of the test accuracy."""
    lines = []
    for space, selection in dict.fromkeys((row["space"], row["selection"]) for row in rows):
        mine = [r for r in rows if (r["space"], r["selection"]) == (space, selection)]
        line = {"space": space, "selection": selection, "seeds": len(mine)}
        for name in list(mine[0])[3:]:
            values = [row[name] for row in mine]
            line[name] = f"{np.mean(values):.2f}"
            if name == "test_accuracy":
                line["test_accuracy_std"] = f"{np.std(values):.2f}"
        lines.append(line)
    return lines


if __name__ == "__main__":
    program.run(main)
