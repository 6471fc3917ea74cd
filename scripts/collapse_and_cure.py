"""Cells by several selections from the very same supernets, where DARTS collapses.

    python -m scripts.collapse_and_cure --data_dir=DATA --benchmark_table=TABLE.csv --runs_dir=RUNS

searches CIFAR-10 with configs/collapse_search.flags in every space with every seed, and selects
from each supernet by every selection. Writes to results/selection: selections.csv, a line for each
space, seed and selection; summary.csv, means over the seeds; and the pictures of the selections.
Started again it goes on where it stopped. On one slow thread a supernet takes some minutes.
"""

import csv
import io
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import run_folder
from darts_tf.errors import UserError
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
        *("removal", "removal_renormalized", "perturbation"),
    ],
    "The selections to compare.",
)
_BATCHES = flags.DEFINE_integer("selection_batches", 10, "Validation batches for each decision.")
_OUTPUT = flags.DEFINE_string("output", "results/selection", "The folder to write to.")
_CONFIG = "configs/collapse_search.flags"


def main() -> None:
    """Searches, selects and writes the tables."""
    for flag in (_DATA_DIR, _TABLE, _RUNS):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing; see --help")
    output = pathlib.Path(_OUTPUT.value)
    output.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in _SEEDS.value:
        for space in _SPACES.value:
            run = pathlib.Path(_RUNS.value) / f"{space}_{seed}"
            rows += _rows(space, seed, _select(space, seed, run))
            shutil.copy(run / "selections" / "selections.png", output / f"{space}_{seed}.png")
            run_folder.write_file(output / "selections.csv", _as_csv(rows))
            run_folder.write_file(output / "summary.csv", _as_csv(_summary(rows)))
    print((output / "summary.csv").read_text(), end="")


def _select(space: str, seed: str, run: pathlib.Path) -> list[dict]:
    """Searches and selects where that is not done yet; returns the table of train.select."""
    data = f"--data_dir={_DATA_DIR.value}"
    table = [f"--benchmark_table={_TABLE.value}"] if space == "nas_bench_201" else []
    _start(
        *("train.search", f"--flagfile={_CONFIG}", f"--space={space}", f"--seed={seed}"),
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


def _start(*arguments) -> None:
    subprocess.run([sys.executable, "-m", *arguments], check=True)


def _rows(space, seed, selected) -> list[dict]:
    """What a line of selections.csv holds."""
    rows = []
    for one in selected:
        columns = one.get("benchmark", {}).get("columns", {})
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
                **{
                    name: round(columns[name]["accuracy"], 2) if columns else ""
                    for name in ("cifar10_test", "cifar100_test")
                },
                "cpu_seconds": cost["cpu_seconds"],
                "images": cost["images_evaluated"] + cost["images_differentiated"],
            }
        )
    return rows


def _summary(rows) -> list[dict]:
    """Means over the seeds, and the spread of the benchmark's accuracy."""
    lines = []
    for space, selection in dict.fromkeys((row["space"], row["selection"]) for row in rows):
        mine = [r for r in rows if (r["space"], r["selection"]) == (space, selection)]
        line = {"space": space, "selection": selection, "seeds": len(mine)}
        for name in list(mine[0])[3:]:
            values = [row[name] for row in mine if row[name] != ""]
            line[name] = f"{np.mean(values):.2f}" if values else ""
            if name == "cifar10_test":
                line["cifar10_test_std"] = f"{np.std(values):.2f}" if values else ""
        lines.append(line)
    return lines


def _as_csv(rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    program.run(main)
