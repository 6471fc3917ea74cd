"""The figures of the searches of `scripts/measure_unbiased.sh`.

    python scripts/unbiased_figures.py RUNS RESULTS

writes to RESULTS: summary.json; curves.png, validation accuracy of the supernets and entropy over
the epochs, and what a step costs; and of every method metrics.jsonl and genotype.json. Searches
that are not finished are left out, and so are trainings.
"""

import json
import pathlib
import shutil
import statistics
import sys

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from darts_tf.plots import style
from darts_tf.plots.entropy import points

NAMES = {
    "darts-v1": "DARTS, first order",
    "sf": "score function",
    "relax": "RELAX",
    "ram": "RAM",
}
COLOURS = dict(zip(NAMES, (style.GREY, style.BLUE, style.GREEN, style.VERMILION), strict=True))


def read(runs: pathlib.Path) -> tuple[dict, dict]:
    """The records of every search, and the summary of every method."""
    records, summary = {}, {}
    for method in NAMES:
        search = runs / method / "search"
        if not (search / "result.json").exists():
            continue
        lines = (search / "metrics.jsonl").read_text().splitlines()
        records[method] = [json.loads(line) for line in lines]
        last = records[method][-1]
        evaluations = [
            json.loads(path.read_text())
            for path in sorted((runs / method).glob("evaluate_*/result.json"))
        ]
        accuracies = [e["test_accuracy"] for e in evaluations]
        # The first epoch holds the tracing of the graph.
        step = statistics.median(r["step_cpu_seconds"] for r in records[method][1:])
        summary[method] = {
            "supernet_validation_accuracy": last["val_accuracy"],
            "entropy": sum(last[f"entropy_{cell_type}"] for cell_type in last["entropy_by_step"]),
            "gradient_variance": last.get("gradient_variance"),
            "loss_evaluations": last.get("loss_evaluations"),
            "step_cpu_seconds": step,
            "step_relative_to_darts_v1": None,
            "test_accuracies": accuracies,
            "test_accuracy_mean": statistics.mean(accuracies) if accuracies else None,
            "test_accuracy_sd": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
            "parameters": evaluations[0]["parameters"] if evaluations else None,
        }
    for row in summary.values():
        ratio = row["step_cpu_seconds"] / summary["darts-v1"]["step_cpu_seconds"]
        row["step_relative_to_darts_v1"] = round(ratio, 3)
    return records, summary


def draw(records: dict, summary: dict, path: pathlib.Path) -> None:
    """One picture of all methods."""
    with style.context():
        figure = Figure(figsize=(13, 3.8), layout="constrained")
        accuracy, entropy, cost = figure.subplots(1, 3, width_ratios=[1, 1, 0.8])
        for method in records:
            epochs = [r["epoch"] for r in records[method]]
            options = {"color": COLOURS[method], "label": NAMES[method], "linewidth": 1.8}
            accuracy.plot(epochs, [r["val_accuracy"] for r in records[method]], **options)
            curves = [points(records[method], t) for t in records[method][0]["entropy_by_step"]]
            entropy.plot(curves[0][0], np.sum([values for _, values in curves], axis=0), **options)
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
        style.legend(accuracy)
        ratios = [row["step_relative_to_darts_v1"] for row in summary.values()]
        names, colours = ([table[m] for m in summary] for table in (NAMES, COLOURS))
        bars = cost.barh(names, ratios, color=colours)
        cost.bar_label(bars, fmt="%.2f", padding=3)
        cost.invert_yaxis()
        for axes, title, label in (
            (accuracy, "Validation accuracy of the supernet", "epoch"),
            (entropy, "Entropy of the operations, nats", "epoch"),
            (cost, "Processor time of a step", "relative to first-order DARTS"),
        ):
            style.panel(axes, title, label, counted=axes is not cost)
        style.save(figure, path)


def main(runs: pathlib.Path, results: pathlib.Path) -> None:
    """Reads the runs and writes the results."""
    records, summary = read(runs)
    results.mkdir(parents=True, exist_ok=True)
    (results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    draw(records, summary, results / "curves.png")
    for method in summary:
        folder = results / method
        folder.mkdir(exist_ok=True)
        for name in ("metrics.jsonl", "genotype.json"):
            shutil.copyfile(runs / method / "search" / name, folder / name)
    print("method: step relative to darts-v1, test accuracy of each seed")
    for method, row in summary.items():
        accuracies = ", ".join(f"{a:.4f}" for a in row["test_accuracies"])
        print(f"{method}: {row['step_relative_to_darts_v1']:.2f}; {accuracies or 'not trained'}")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
