"""Compares convolutional cells that grew with those of a supernet of fixed size, on CIFAR-10.

    python -m scripts.compare_growing_images --data_dir=DATA

searches by configs/cifar10_growing_search.flags: cells that begin with one node and grow as long as
the validation loss becomes smaller, and ones that have so many nodes from the start. Then it trains
the cells that were found, and a random one, from scratch by configs/cifar10_growing_evaluate.flags,
with as many channels as make their networks equally large. A seed is a search and a training.

Every run stays in --runs; started again, the program goes on where it stopped. It writes
images.json and images.md to --output, anew after every seed.
"""

import dataclasses
import json
import pathlib
import statistics

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import genotypes
from darts_tf.common import files
from darts_tf.costs import counted
from darts_tf.networks.network import build_network
from scripts import comparisons
from scripts.comparisons import result, with_deviation
from scripts.finished_runs import finish
from train import fields, program
from train.config import Config

#: Cell -> the rule of its search; None for a random cell.
CELLS = {
    "growing": None,
    "4 nodes": "--rule_options=patience=12,nodes=4,stages=1",
    "random": None,
}
# As configs/cifar10_growing_evaluate.flags has it.
_IMAGE, _CLASSES, _DEPTH = (16, 16, 3), 10, 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """Where the images are, how large the networks are, and where the results go."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps cifar10.")
    seeds: int = fields.integer(3, "Searches and trainings of each cell.", lower_bound=1)
    parameters: int = fields.integer(30_000, "Weights of every network.", lower_bound=1000)
    runs: str = fields.text("runs/growing", "Where the runs are kept.")
    output: str = fields.text("results/growing", "The folder to write to.")


def main(config: CompareConfig) -> None:
    """Runs what is not finished, then writes the comparison."""
    output = files.make_folder(pathlib.Path(config.output))
    for seed in range(config.seeds):
        for cell in CELLS:
            _run(config, cell, seed)
        rows = {cell: [_row(config, cell, n) for n in range(seed + 1)] for cell in CELLS}
        files.write(output / "images.json", json.dumps(rows, indent=2) + "\n")
        files.write(output / "images.md", _as_table(rows))
    print((output / "images.md").read_text(), end="")


def _folder(config, kind, cell, seed) -> pathlib.Path:
    return pathlib.Path(config.runs) / f"{kind}_{cell.replace(' ', '_')}_seed_{seed}"


def _run(config, cell, seed) -> None:
    """The search of a cell, and the training of its network."""
    shared = [f"--seed={seed}", *([f"--data_dir={config.data_dir}"] if config.data_dir else [])]
    genotype = f"random:s3:{seed}"
    if cell != "random":
        folder = _folder(config, "search", cell, seed)
        words = ["--flagfile=configs/cifar10_growing_search.flags", *shared]
        finish("search", folder, *words, *([CELLS[cell]] if CELLS[cell] else []))
        genotype = str(folder / "genotype.json")
    folder = _folder(config, "training", cell, seed)
    if not (folder / "result.json").exists():
        channels = channels_of_size(genotypes.get(genotype), config.parameters)
        words = ["--flagfile=configs/cifar10_growing_evaluate.flags", *shared]
        words += [f"--genotype={genotype}", f"--channels={channels}"]
        finish("evaluate", folder, *words)


def channels_of_size(genotype, size: int) -> int:
    """The channels with which the network of a cell has the number of weights nearest to a size."""

    def weights(channels):
        return counted.parameters(build_network(genotype, _IMAGE, _CLASSES, channels, _DEPTH))

    high = 4
    while weights(high) < size and high < 256:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weights(middle) < size else (low, middle)
    return min(low, high, key=lambda channels: abs(weights(channels) - size))


def _row(config, cell, seed) -> dict:
    trained = result(_folder(config, "training", cell, seed))
    row = {name: trained[name] for name in ("test_accuracy", "parameters", "train_seconds")}
    if cell != "random":
        folder = _folder(config, "search", cell, seed)
        found, genotype = result(folder), json.loads((folder / "genotype.json").read_text())
        row["nodes"] = len(genotype["cells"]["normal"]["nodes"])
        row["search_epochs"] = found["epochs"]
        row["search_seconds"] = found["wall_seconds_of_last_start"]
    return row


def _as_table(rows) -> str:
    titles = ["cell", "test accuracy", "nodes", "weights", "epochs of the search", "search, s"]
    lines = []
    for cell, runs in rows.items():

        def column(name, runs=runs):
            return [run[name] for run in runs if name in run]

        lines.append(
            [
                cell,
                with_deviation(column("test_accuracy"), ".4f"),
                ", ".join(map(str, column("nodes"))),
                f"{round(statistics.mean(column('parameters'))):,}",
                ", ".join(map(str, column("search_epochs"))),
                with_deviation(column("search_seconds"), ".0f"),
            ]
        )
    return comparisons.as_markdown(titles, lines)


if __name__ == "__main__":
    program.run(main)
