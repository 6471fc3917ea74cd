"""Search by transferability against second-order DARTS and DARTS- at equal processor time.

    python -m scripts.compare_transferability --data_dir=DATA --benchmark_table=TABLE.csv

searches CIFAR-10 by configs/transferability_search.flags in every space, with every method and
seed. The epochs of each are as many as the steps of --seconds of processor time, as a first short
search says; that and the epochs are kept in --runs. What is the same for all, start-up and
validations, comes on top, and is in the table. Cells of NAS-Bench-201 are judged by its table; the
networks of others are trained from scratch by configs/collapse_evaluate.flags, with
--trained_examples, equal cells once. Every run stays in --runs; started again, the program goes on
where it stopped. Writes to --output: searches.csv, a line a search; comparison.md, means and
standard deviations over the seeds. All methods with one seed come first: a comparison that is
stopped early is fair.
"""

import dataclasses
import hashlib
import json
import pathlib
import statistics

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import genotypes
from darts_tf.common import files, reading
from darts_tf.supernets import parameter_free
from scripts.comparisons import as_csv, need
from scripts.finished_runs import finish
from train import fields, program
from train.config import Config

METHODS = ("darts-v2", "darts-minus", "tetlo", "tetlo-darts-minus")
_SEARCH, _EVALUATE = "configs/transferability_search.flags", "configs/collapse_evaluate.flags"
_BENCHMARK = "nas_bench_201"
# Half of the examples of the flag file, in its batches.
_STEPS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """Where the comparison takes its data from, how long it searches, and where it writes."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps CIFAR-10.")
    benchmark_table: str | None = fields.text(None, "A CSV file of NAS-Bench-201.")
    methods: tuple[str, ...] = fields.words(list(METHODS), "The methods to compare.")
    spaces: tuple[str, ...] = fields.words([_BENCHMARK, "s2", "s4"], "The search spaces.")
    seeds: int = fields.integer(3, "Searches with each method in each space.", lower_bound=1)
    seconds: int = fields.integer(
        16, "Processor seconds of the steps of each search.", lower_bound=1
    )
    trained_examples: int = fields.integer(
        2500, "Images that the networks of the cells are trained with.", lower_bound=64
    )
    runs: str = fields.text("runs/transferability", "Where the runs are kept.")
    output: str = fields.text("results/transferability", "The folder to write to.")


def main(config: CompareConfig) -> None:
    """Runs what is not finished, and writes the comparison after every search."""
    need(config, "data_dir", "benchmark_table")
    output, rows = files.make_folder(pathlib.Path(config.output)), []
    for seed in range(config.seeds):
        for space in config.spaces:
            for method in config.methods:
                rows.append(_row(config, space, method, seed))
                files.write(output / "searches.csv", as_csv(rows))
                files.write(output / "comparison.md", as_markdown(rows))
    print((output / "comparison.md").read_text(), end="")


def _search(config: CompareConfig, folder, space: str, method: str, *flags: str) -> dict:
    table = [f"--benchmark_table={config.benchmark_table}"] if space == _BENCHMARK else []
    return finish(
        *("search", folder, f"--flagfile={_SEARCH}", f"--data_dir={config.data_dir}"),
        *(f"--space={space}", f"--method={method}", *table, *flags),
    )


def _epochs(config: CompareConfig, space: str, method: str) -> int:
    """As many as have the time; decided once, so that a comparison that goes on has the same."""
    folder = pathlib.Path(config.runs) / "first" / f"{space}_{method}"
    decided = folder / "epochs.json"
    if not decided.exists():
        _search(config, folder, space, method, "--epochs=1", "--eigenvalue_every=0")
        (record,) = reading.read_json_lines(folder / "metrics.jsonl")
        files.write(decided, json.dumps(record["step_cpu_seconds"]))
    return max(1, round(config.seconds / json.loads(decided.read_text()) / _STEPS))


def _row(config: CompareConfig, space: str, method: str, seed: int) -> dict:
    """The findings of a search: a line of searches.csv."""
    epochs = _epochs(config, space, method)
    run = pathlib.Path(config.runs) / f"{space}_{method}_seed_{seed}"
    watch = f"--eigenvalue_every={max(1, epochs // 2)}"
    result = _search(config, run, space, method, f"--epochs={epochs}", f"--seed={seed}", watch)
    records = reading.read_json_lines(run / "metrics.jsonl")
    eigenvalues = [one["eigenvalue"] for one in records if "eigenvalue" in one]
    cells = genotypes.get(str(run / "genotype.json")).cells.values()
    step = statistics.median(one["step_cpu_seconds"] for one in records)
    return {
        "space": space,
        "method": method,
        "seed": seed,
        "steps": epochs * _STEPS,
        "step_seconds": step,
        "processor_seconds": result["processor_seconds"],
        "skips": sum(map(parameter_free.count_skips, cells)),
        "parameter_free": sum(map(parameter_free.count, cells)),
        "eigenvalue_first": round(eigenvalues[0], 4),
        "eigenvalue_last": round(eigenvalues[-1], 4),
        "supernet_accuracy": round(100 * result["supernet_validation_accuracy"], 2),
        "test_accuracy": round(_accuracy(config, space, run, result), 2),
    }


def _accuracy(config: CompareConfig, space: str, run, result: dict) -> float:
    """The test accuracy of a cell in per cent, by the table or of its trained network."""
    if space == _BENCHMARK:
        return result["benchmark"]["columns"]["cifar10_test"]["accuracy"]
    genotype = run / "genotype.json"
    name = hashlib.sha256(genotype.read_bytes()).hexdigest()[:12]
    trained = finish(
        *("evaluate", pathlib.Path(config.runs) / "networks" / name, f"--flagfile={_EVALUATE}"),
        *(f"--train_examples={config.trained_examples}", f"--genotype={genotype}"),
        f"--data_dir={config.data_dir}",
    )
    return 100 * trained["test_accuracy"]


def as_markdown(rows: list[dict]) -> str:
    """A line a space and method: means over the seeds, and the deviation of the accuracy."""
    lines = [
        "| space | method | seeds | steps | processor s | skips | without parameters "
        "| eigenvalue, first | last | supernet, % | test accuracy, % |",
        "|---" * 11 + "|",
    ]
    for space, method in dict.fromkeys((row["space"], row["method"]) for row in rows):
        own = [row for row in rows if (row["space"], row["method"]) == (space, method)]
        mean = {name: statistics.mean(row[name] for row in own) for name in list(own[0])[2:]}
        accuracies = [row["test_accuracy"] for row in own]
        spread = f" ± {statistics.stdev(accuracies):.2f}" if len(own) > 1 else ""
        skips = ", ".join(str(row["skips"]) for row in own)
        cells = [
            *(space, f"`{method}`", str(len(own)), f"{mean['steps']:.0f}"),
            *(f"{mean['processor_seconds']:.0f}", skips, f"{mean['parameter_free']:.1f}"),
            *(f"{mean['eigenvalue_first']:.3f}", f"{mean['eigenvalue_last']:.3f}"),
            f"{mean['supernet_accuracy']:.1f}",
            f"{mean['test_accuracy']:.2f}{spread}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    program.run(main)
