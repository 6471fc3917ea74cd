"""Figures of how supernets rank cells: Kendall's tau with a table of known accuracies."""

import itertools
import statistics

import numpy as np
from scipy import stats

from darts_tf import genotypes, spaces
from darts_tf.common import seeds
from darts_tf.nas_bench.table_searches import JUDGED
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts import comparisons
from scripts.comparisons import as_markdown, with_deviation

_SPACE = spaces.NAS_BENCH_201
#: The operations of the smaller space.
SMALLER = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")
#: What batch normalisation takes its statistics from: the batch, the moving ones of the supernet,
#: moving ones that are measured for each cell.
WAYS = ("batch", "supernet", "cell")


def cells(seed: int, count: int, small: bool) -> list[genotypes.Genotype]:
    """The random cells of a seed, the same for all supernets of a space."""
    found = {}
    for number in itertools.count():
        cell = genotypes.sample(_SPACE, seeds.of_sample(seed, number))
        operations = {edge.operation for edge in cell["normal"].edges}
        if not small or operations <= set(SMALLER):
            found[cell] = None
        if len(found) == count:
            return list(found)


def taus(record: dict, table: BenchmarkTable) -> list[dict]:
    """The rows of a supernet: Kendall's tau of each way, of all cells and of the better half."""
    shared = {name: record.get(name) for name in ("setting", "seed", "epochs", "steps")}
    if "failed" in record:
        return []
    rows = []
    for way, accuracies in record["accuracies"].items():
        drawn = cells(record["seed"], len(accuracies), record["small"])
        known = table.column(JUDGED)[[table.index(cell) for cell in drawn]]
        better = known >= np.median(known)
        found = np.array(accuracies)
        both = [float(stats.kendalltau(found[x], known[x])[0]) for x in (slice(None), better)]
        best = float(known[int(np.argmax(found))])
        names = ("cells", "statistics", "tau", "tau_better_half", "accuracy_of_the_first")
        rows.append(shared | dict(zip(names, (len(found), way, *both, best), strict=True)))
    return rows


def summary(rows: list[dict]) -> str:
    """A line a setting: tau by each way, with its deviation over the seeds."""
    lines = []
    for setting in dict.fromkeys(row["setting"] for row in rows):
        own = [row for row in rows if row["setting"] == setting]
        steps = statistics.mean(row["steps"] for row in own)
        line = [setting, f"{len({row['seed'] for row in own})}", f"{steps:.0f}"]
        for name in ("tau", "tau_better_half"):
            for way in WAYS:
                values = [row[name] for row in own if row["statistics"] == way]
                # Where all accuracies are equal there is no ranking.
                line.append(with_deviation([v for v in values if np.isfinite(v)], ".2f"))
        lines.append(line)
    titles = ["supernet", "seeds", "steps"]
    titles += [f"tau, statistics of the {way}" for way in WAYS]
    titles += [f"better half, {way}" for way in WAYS]
    return as_markdown(titles, lines)


def as_csv(rows: list[dict]) -> str:
    """A line a row, numbers with four digits."""
    return comparisons.as_csv(
        [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    )
