"""Figures of the cells that supernets' methods select, by a table of known accuracies."""

import statistics

from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.table_searches import JUDGED
from darts_tf.nas_bench.tables import BenchmarkTable
from darts_tf.supernets import parameter_free
from scripts.comparisons import as_markdown, with_deviation


def row(record: dict, table: BenchmarkTable) -> list[dict]:
    """The row of a supernet, none where nothing was selected.

    Args:
        record: with the selected `cell`, as a string of NAS-Bench-201.
        table: holds the accuracies.
    """
    if not record.get("cell"):
        return []
    names = ("setting", "seed", "steps", "step_seconds", "selection_seconds")
    cell = nas_bench_201.from_string(record["cell"])
    place = table.report(cell)["columns"][JUDGED]
    return [
        {
            **{name: record[name] for name in names},
            "architecture": record["cell"],
            "skips": parameter_free.count_skips(cell["normal"]),
            JUDGED: place["accuracy"],
            "rank": place["rank"],
        }
    ]


def summary(rows: list[dict]) -> str:
    """A line a setting, the best mean first: accuracies, ranks, skip connections of six edges."""
    by_setting = {}
    for one in sorted(rows, key=lambda one: one["seed"]):
        by_setting.setdefault(one["setting"], []).append(one)
    means = {k: statistics.mean(one[JUDGED] for one in own) for k, own in by_setting.items()}
    lines = []
    for setting in sorted(means, key=lambda k: -means[k]):
        own = by_setting[setting]
        accuracies = [one[JUDGED] for one in own]
        seconds = [one["steps"] * one["step_seconds"] + one["selection_seconds"] for one in own]
        lines.append(
            [
                *(setting, str(len(own)), with_deviation(accuracies, ".2f")),
                ", ".join(f"{accuracy:.2f}" for accuracy in accuracies),
                ", ".join(f"{one['rank']:,}" for one in own),
                ", ".join(str(one["skips"]) for one in own),
                f"{statistics.mean(one['steps'] for one in own):.0f}",
                f"{statistics.mean(seconds):.0f}",
            ]
        )
    titles = ["method", "seeds", "test accuracy, %", "of each seed", "ranks"]
    return as_markdown([*titles, "skip connections", "steps", "processor s"], lines)
