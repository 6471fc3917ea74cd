"""Compares a cell that was searched on Shakespeare's characters with others of equal size.

    python -m scripts.compare_text --data_dir=DATA

searches a recurrent cell by configs/shakespeare_search.flags; then trains it, the published cell
RNN_DARTS_V2, a random cell, an LSTM and a GRU from scratch by configs/shakespeare_evaluate.flags:
equally many weights, steps and windows, the same learning rate. Every run stays in --runs; started
again, the program goes on where it stopped. Writes to --output: validation.png, the curves of all
trainings; comparison.json and comparison.md, a line a cell with mean and standard deviation over
the seeds; genotype.json and the picture of the cell that was found; sample.txt, what its network
writes. After every seed they are written anew, so that a comparison that is stopped early is fair.
"""

import dataclasses
import json
import pathlib
import shutil
import statistics

from matplotlib.figure import Figure

from darts_tf.common import files
from darts_tf.plots import style
from scripts.comparisons import result, with_deviation
from scripts.finished_runs import finish
from train import fields, program
from train.config import Config

CELLS = {
    "found": "found",
    "RNN_DARTS_V2": "RNN_DARTS_V2",
    "random": "random",
    "lstm": "LSTM",
    "gru": "GRU",
}
COLOURS = dict(
    zip(CELLS, (style.VERMILION, style.BLUE, style.GREY, style.GREEN, style.ORANGE), strict=True)
)
_MEASURE = "bits_per_character"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """Where the comparison takes its data from, and where it writes."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps tiny_shakespeare.")
    seeds: int = fields.integer(3, "Trainings of each cell.", lower_bound=1)
    runs: str = fields.text("runs/text", "Where the runs are kept.")
    output: str = fields.text("results/text", "The folder to write to.")


def main(config: CompareConfig) -> None:
    """Runs what is not finished, then writes the comparison."""
    runs, output = pathlib.Path(config.runs), files.make_folder(pathlib.Path(config.output))
    _run("search", config, runs / "search")
    shutil.copyfile(runs / "search" / "genotype.json", output / "genotype.json")
    shutil.copyfile(runs / "search" / "cell_recurrent.svg", output / "cell_recurrent.svg")
    genotypes = {
        **{cell: cell for cell in CELLS},
        "found": runs / "search" / "genotype.json",
        "random": "random:darts_rnn:0",
    }
    for seed in range(config.seeds):
        for cell in CELLS:
            folder = _folder(runs, cell, seed)
            _run("evaluate", config, folder, f"--genotype={genotypes[cell]}", f"--seed={seed}")
        results = {
            cell: [result(_folder(runs, cell, n)) for n in range(seed + 1)] for cell in CELLS
        }
        curves = {cell: [_curve(runs, cell, n) for n in range(seed + 1)] for cell in CELLS}
        files.write(output / "comparison.json", json.dumps(results, indent=2) + "\n")
        files.write(output / "comparison.md", _as_table(results))
        _draw(curves, output / "validation.png")
        shutil.copyfile(_folder(runs, "found", 0) / "sample.txt", output / "sample.txt")
    print((output / "comparison.md").read_text(), end="")


def _run(name: str, config: CompareConfig, folder, *flags: str) -> None:
    """Runs a program of `train` with its flag file, or goes on with it."""
    words = [*flags, f"--flagfile=configs/shakespeare_{name}.flags"]
    if config.data_dir:
        words.append(f"--data_dir={config.data_dir}")
    finish(name, folder, *words)


def _folder(runs, cell, seed) -> pathlib.Path:
    return runs / f"{cell}_seed_{seed}"


def _curve(runs, cell, seed) -> list[float]:
    lines = (_folder(runs, cell, seed) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)[f"val_{_MEASURE}"] for line in lines]


def _as_table(results) -> str:
    lines = [
        "| cell | units | weights | test bits per character | validation |",
        "|---|---|---|---|---|",
    ]
    for cell, runs in results.items():
        test, validation = (
            with_deviation([run[name] for run in runs])
            for name in (f"test_{_MEASURE}", f"best_validation_{_MEASURE}")
        )
        size = f"{runs[0]['units']} | {runs[0]['parameters']:,}"
        lines.append(f"| {CELLS[cell]} | {size} | {test} | {validation} |")
    return "\n".join(lines) + "\n"


def _draw(curves, path) -> None:
    """The validation of every training by epoch, the mean of the seeds thick."""
    with style.context():
        figure = Figure(figsize=(6.5, 4.2), layout="constrained")
        axes = figure.subplots()
        for cell, runs in curves.items():
            epochs = range(1, len(runs[0]) + 1)
            for run in runs:
                axes.plot(epochs, run, color=COLOURS[cell], linewidth=0.6, alpha=0.5)
            mean = [statistics.mean(values) for values in zip(*runs, strict=True)]
            axes.plot(epochs, mean, color=COLOURS[cell], linewidth=1.8, label=CELLS[cell])
        style.panel(axes, "Validation text, bits per character", "epoch")
        style.legend(axes)
        style.save(figure, path)


if __name__ == "__main__":
    program.run(main)
