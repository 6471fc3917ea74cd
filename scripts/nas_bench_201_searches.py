"""Searches NAS-Bench-201 on CIFAR-10 with every method and several seeds, and compares.

    python -m scripts.nas_bench_201_searches --data_dir=DATA --benchmark_table=TABLE.csv

The last, random search, trains as many networks as take the time of a search with a supernet. A
search is `python -m train.search --flagfile=configs/nas_bench_201/METHOD.flags --seed=SEED`. Its
run stays in --runs; started again, the program goes on where it stopped. What each search found
stands in the benchmark's table: nothing is trained to judge it. Writes to --output: searches.csv, a
line a search; searches.json, the same with the place in all columns of the table; searches.md, a
line a method, with means and standard deviations over the seeds and with how many of the six edges
of each cell are skip connections. The time is the processor time of the search's processes, which
other work on the machine changes little.
"""

import csv
import io
import json
import pathlib

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from absl import flags

from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.tables import BenchmarkTable
from darts_tf.runs import run_folder
from scripts.finished_runs import finish
from train import program

METHODS = ("darts-v1", "darts-v2", "gdas", "snas", "pc-darts", "drnas", "random-ws", "random")
_METHODS = flags.DEFINE_list("methods", list(METHODS), "The methods to run; each has a flag file.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Searches with each method.", lower_bound=1)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TensorFlow Datasets keeps CIFAR-10.")
_TABLE = flags.DEFINE_string("benchmark_table", None, "A CSV file of known accuracies.")
_RUNS = flags.DEFINE_string("runs", "runs/nas_bench_201", "Where the runs are kept.")
_OUTPUT = flags.DEFINE_string("output", "results/nas_bench_201", "The folder to write to.")

CONFIGS = "configs/nas_bench_201"
#: What the searches see; they are judged by the next.
SEARCHED, JUDGED = "cifar10_val", "cifar10_test"


def main() -> None:
    """Runs the searches that are not finished, then writes the comparison."""
    if not (_TABLE.value and _DATA_DIR.value):
        raise UserError("--benchmark_table and --data_dir are needed; see --help")
    table = BenchmarkTable.load(_TABLE.value)
    found = []
    # All methods with one seed first: a comparison that is stopped early is fair.
    for seed in range(_SEEDS.value):
        for method in _METHODS.value:
            found.append(search(method, seed))
            write(found, table)
    print((pathlib.Path(_OUTPUT.value) / "searches.md").read_text(), end="")


def search(method: str, seed: int) -> dict:
    """Runs a search unless it is finished; returns what it found and how long it took."""
    found = finish(
        *("search", pathlib.Path(_RUNS.value) / f"{method}_seed_{seed}"),
        *(f"--flagfile={CONFIGS}/{method}.flags", f"--seed={seed}"),
        *(f"--data_dir={_DATA_DIR.value}", f"--benchmark_table={_TABLE.value}"),
    )
    seconds = found["processor_seconds"]
    return {"method": method, "seed": seed, "processor_seconds": seconds, **found["benchmark"]}


def write(found: list[dict], table: BenchmarkTable) -> None:
    """Writes the comparison of the searches so far."""
    folder = pathlib.Path(_OUTPUT.value)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "searches.json": json.dumps(found, indent=1) + "\n",
        "searches.csv": as_csv(found),
        "searches.md": as_markdown(found, table),
    }
    for name, text in files.items():
        run_folder.write_file(folder / name, text)


def as_csv(found: list[dict]) -> str:
    """A line a search."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(
        ["method", "seed", "index", "architecture", "skips", SEARCHED, JUDGED]
        + ["test_rank", "test_percentile", "processor_seconds"]
    )
    for one in found:
        at = one["columns"][JUDGED]
        writer.writerow(
            [one["method"], one["seed"], one["index"], one["architecture"]]
            + [skips(one["architecture"]), one["columns"][SEARCHED]["accuracy"], at["accuracy"]]
            + [at["rank"], round(at["percentile"], 2), one["processor_seconds"]]
        )
    return lines.getvalue()


def as_markdown(found: list[dict], table: BenchmarkTable) -> str:
    """A line a method, and one for an architecture that is drawn at random, which is exact."""
    lines = [
        "| method | test accuracy, % | of seeds 0, 1, ... | rank | better than, % of all | skips "
        "| processor s |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in dict.fromkeys(one["method"] for one in found):
        own = [one for one in found if one["method"] == method]
        at = [one["columns"][JUDGED] for one in own]
        accuracies = [place["accuracy"] for place in at]
        cells = [
            f"`{method}`",
            _mean_and_spread(accuracies, 2),
            ", ".join(f"{accuracy:.2f}" for accuracy in accuracies),
            ", ".join(f"{place['rank']:,}" for place in at),
            _mean_and_spread([place["percentile"] for place in at], 1),
            ", ".join(_skips_of_six(one["architecture"]) for one in own),
            f"{np.mean([one['processor_seconds'] for one in own]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    every = table.column(JUDGED)
    percentiles = [100 * np.mean(every < value) for value in np.sort(every)]
    lines.append(
        f"| one of all {len(table):,}, drawn at random | {_mean_and_spread(every, 2)} | | | "
        f"{_mean_and_spread(percentiles, 1)} | | 0 |"
    )
    return "\n".join(lines) + "\n"


def skips(string: str) -> int:
    """How many of an architecture's six edges are skip connections."""
    return nas_bench_201.operations_of(nas_bench_201.from_string(string)).count("skip_connect")


def _skips_of_six(string: str) -> str:
    return "6, all" if skips(string) == 6 else str(skips(string))


def _mean_and_spread(values, digits: int) -> str:
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}"


if __name__ == "__main__":
    program.run(main)
