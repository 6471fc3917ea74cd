"""Whether a search was worth it: trained networks of found cells beside the task's baselines."""

import json
import math
import os
import statistics
from collections.abc import Sequence

from scipy import stats

from darts_tf.common.errors import UserError
from darts_tf.genotypes import published
from darts_tf.report import quality
from darts_tf.report.comparison import Comparison
from darts_tf.report.run import Run

# What the tasks are ranked by, and whether a larger value is better.
_METRICS = {
    **{"test_accuracy": True, "test_perplexity": False, "test_bits_per_character": False},
    **{"test_rse": False, "test_mean_average_precision": True, "test_r2": True},
}
# Settings in which trainings may differ that are compared: the cell, draws, where the data lie, and
# the units of a recurrent network, which make networks of different cells equally large.
_FREE = {"genotype", "seed", "data_dir", "cache_dir"}
_FREE_OVER_TIME = {*_FREE, "channels"}
# Those that are a share of the examples that are right.
_SHARES = {"accuracy", "test_accuracy", "validation_accuracy"}
_OVER_TIME = ("language_model", "forecasting")
_OF_KERAS = ("lstm", "gru")
# Folders beside a run that are looked into.
_MOST_FOLDERS = 200


def beside(runs: Sequence[Run]) -> list[Run]:
    """The other runs in the folders that hold these, in the order of their names."""
    known = {os.path.realpath(run.path) for run in runs}
    found = []
    for parent in dict.fromkeys(os.path.dirname(path) for path in sorted(known)):
        try:
            names = sorted(os.listdir(parent))[:_MOST_FOLDERS]
        except OSError:
            continue
        for path in (os.path.join(parent, name) for name in names):
            try:
                if path not in known and os.path.isdir(path):
                    found.append(Run(path))
            except UserError:  # it is something else
                continue
    return found


def comparisons(runs: Sequence[Run], others: Sequence[Run] = ()) -> list[Comparison]:
    """The comparisons that runs wrote, and those of trainings on the same data.

    Args:
        runs: those of the report. All their trainings on the same data are compared.
        others: runs beside them. A training among them is compared if but for its cell it has the
            settings of one of `runs`, or of one that has the cell that a search of `runs` found;
            the comparison that one wrote belongs here if it is on the same data.
    """
    written = [run.comparison for run in runs if run.comparison]
    data = {run.result.get("data_sha256") for run in runs} - {None}
    written += [
        run.comparison for run in others if run.comparison and run.comparison.data_sha256 in data
    ]
    found = [run for run in runs if _metric(run)]
    cells = [run.genotype for run in runs if run.genotype and not _metric(run)]
    found += [run for run in others if _metric(run) and run.settings.get("genotype") in cells]
    groups = {}
    for run in found:
        groups.setdefault((_metric(run), _data(run)), []).append(run)
    for (metric, _), group in groups.items():
        group += [
            run
            for run in others
            if run not in group
            and _metric(run) == metric
            and any(_are_alike(run, one) for one in group)
        ]
        rows = _rows(group, metric)
        if len(rows) > 1:
            written.append(
                Comparison(
                    metric=metric,
                    larger_is_better=_METRICS[metric],
                    rows=rows,
                    data_sha256=group[0].result.get("data_sha256"),
                )
            )
    return written


def verdict(compared: Comparison) -> str:
    """Says in a sentence whether what was found is better than the best baseline, as far as known.

    The interval of the difference is that of independent means: by the deviations over seeds, or
    else of independent shares by the numbers of test examples.
    """
    sign = 1 if compared.larger_is_better else -1
    best = {}
    for row in compared.rows:
        value, kind = row.get("value"), row["kind"]
        if value is not None and (kind not in best or sign * value > sign * best[kind]["value"]):
            best[kind] = row
    if "baseline" not in best:
        return "No baseline was measured, so whether searching was worth it is not known."
    if "found" not in best:
        return "Only baselines were measured, so whether searching was worth it is not known."
    ours, theirs = best["found"], best["baseline"]
    gain = sign * (ours["value"] - theirs["value"])
    name = ours["name"]
    said = (
        f"{name[:1].upper()}{name[1:]}: {ours['value']:.4f}, the best baseline, "
        f"{theirs['name']}: {theirs['value']:.4f}"
    )
    said += f", {'better' if gain > 0 else 'worse'} by {abs(gain):.4f}." if gain else ": a draw."
    error = _half_interval(compared.metric, ours, theirs)
    if error is None:
        return f"{said} How much another seed would change is not known."
    low, high = gain - error, gain + error
    said += f" The 95 % interval of the gain is {low:.4f} to {high:.4f}"
    said += ": it may be chance." if low <= 0 <= high else "."
    if all(_varies(row) for row in (ours, theirs)):
        return said
    return f"{said} Where there is one seed, that counts the draw of the test images alone."


def share_interval(metric: str, row) -> tuple[float, float] | None:
    """The 95 % interval of a row's value; None unless it is a share of one network's examples.

    Args:
        metric: that the value is of.
        row: of a comparison.
    """
    examples = _examples(metric, row)
    known = examples is not None and (row.get("seeds") or 1) == 1
    return quality.interval(row["value"], examples) if known else None


def _half_interval(metric: str, *rows) -> float | None:
    """Half of the 95 % interval of the difference of two rows, of unequal variances.

    A deviation of few seeds is itself uncertain, so the quantile is Student's, with the degrees of
    freedom of Welch, The Generalization of "Student's" Problem when Several Different Population
    Variances are Involved, Biometrika 34, 1947. None where nothing says how much values vary.
    """
    squares, uncertain = [], 0.0
    for row in rows:
        value, examples = row["value"], _examples(metric, row)
        if _varies(row):
            squares.append(row["deviation"] ** 2 / row["seeds"])
            uncertain += squares[-1] ** 2 / (row["seeds"] - 1)
        elif examples is not None:
            squares.append(value * (1 - value) / examples)
        else:
            return None
    freedom = sum(squares) ** 2 / uncertain if uncertain else math.inf
    return float(stats.t.ppf(0.975, freedom)) * math.sqrt(sum(squares)) or None


def _examples(metric: str, row) -> int | None:
    """How many examples a row's value is a share of; None where it is no share, or nobody knows.

    Of other metrics a number of examples says nothing about how sure a value is.
    """
    value, examples = row.get("value"), row.get("test_examples")
    if metric not in _SHARES or value is None or not isinstance(examples, int):
        return None
    return examples if 0 <= value <= 1 <= examples else None


def _varies(row) -> bool:
    """Whether it is known how much a row's value varies over seeds."""
    return row.get("deviation") is not None and (row.get("seeds") or 1) > 1


def _metric(run: Run) -> str | None:
    """What a finished training is ranked by; None for other runs."""
    if run.settings.get("program") != "evaluate":
        return None
    numbers = (int, float)
    return next((x for x in _METRICS if type(run.result.get(x)) in numbers), None)


def _data(run: Run) -> str:
    """What tells data from others; earlier versions wrote no hash."""
    names = ("dataset", "train_examples", "image_size")
    known = run.result.get("data_sha256") or [run.settings.get(name) for name in names]
    return json.dumps(known)


def _are_alike(one: Run, other: Run) -> bool:
    """Whether two trainings differ in nothing but what may differ.

    A setting that only one of them knows is of another version.
    """
    over_time = one.settings.get("task") in _OVER_TIME
    free = _FREE_OVER_TIME if over_time else _FREE
    known = (one.settings.keys() & other.settings.keys()) - free
    return _data(one) == _data(other) and all(
        one.settings[name] == other.settings[name] for name in known
    )


def _rows(runs: Sequence[Run], metric: str) -> list[dict]:
    """A row for each cell, all cells at random being one, the best first."""
    groups = {}
    for run in runs:
        name, kind = _name(run)
        key = name if kind == "baseline" else json.dumps(run.settings.get("genotype"))
        groups.setdefault((kind, key), []).append(run)
    found = []
    for (kind, _), group in groups.items():
        values = [run.result[metric] for run in group]
        row = {
            "name": _name(group[0])[0],
            "kind": kind,
            "value": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
            "seeds": len(values),
        }
        for key in ("parameters", "multiply_adds", "train_seconds"):
            known = [run.result[key] for run in group if type(run.result.get(key)) in (int, float)]
            row[key] = round(statistics.fmean(known)) if len(known) == len(group) else None
        examples = {run.result.get("test_examples") for run in group}
        if len(examples) == 1:
            row["test_examples"] = examples.pop()
        found.append({key: value for key, value in row.items() if value is not None})
    return sorted(found, key=lambda row: -row["value"] if _METRICS[metric] else row["value"])


def _name(run: Run) -> tuple[str, str]:
    """What the cell of a training is called, and whether it was found or is a baseline."""
    given = next((x.partition("=")[2] for x in run.flags if x.startswith("--genotype=")), "")
    kind = kind_of(given)
    if kind == "found":
        return f"the cell in {run.path.name}", kind
    return ("cells at random" if given.startswith("random:") else given), kind


def kind_of(genotype: str) -> str:
    """Whether a value of --genotype is a `baseline`, a cell that no search of the user `found`.

    Those are cells at random, published ones, and Keras' `lstm` and `gru`.
    """
    known = genotype in published.GENOTYPES or genotype in _OF_KERAS
    return "baseline" if known or genotype.startswith("random:") else "found"
