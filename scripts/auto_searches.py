"""What train.auto finds in NAS-Bench-201's space for budgets of time, and what baselines find.

    python -m scripts.auto_searches --data_dir=DATA --benchmark_table=TABLE.csv

runs `train.auto` with every budget of --budgets, every seed and everybody of --proposals who
proposes candidates, on 20,000 images of CIFAR-10, one search after the other. The table says the
accuracy of what each has found, and nothing else. Images are decoded before and kept in --runs, as
--cache_dir does, which takes 12 of the 19 processor seconds of their reading out of the budgets.
Every run stays in --runs; started again, the program goes on where it stopped. All with one seed
come first: a comparison that is stopped early is fair. Writes to --output: nas_bench_201.csv, a
line a search, among those that are there; and nas_bench_201.md, a line a budget and way to propose,
with means and standard deviations over the seeds.
"""

import csv
import dataclasses
import pathlib

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import datasets
from darts_tf.budget import clock
from darts_tf.budget.image_search import RULES
from darts_tf.budget.proposals import PROPOSALS
from darts_tf.common import files
from darts_tf.nas_bench.table_searches import JUDGED
from scripts.comparisons import as_csv, as_markdown, need, with_deviation
from scripts.finished_runs import finish
from train import fields, program
from train.config import Config

_FILE = "nas_bench_201"
#: Of a line, what tells one search from another.
_KEY = ("proposals", "budget_seconds", "budget_of", "seed", "rules")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchesConfig(Config):
    """Which searches there are."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps CIFAR-10.")
    benchmark_table: str | None = fields.text(None, "A CSV file of NAS-Bench-201.")
    budgets: tuple[str, ...] = fields.words(["1m", "3m", "5m", "15m"], "The budgets.")
    budget_of: str = fields.choice("processor", list(clock.KINDS), "What they are of.")
    proposals: tuple[str, ...] = fields.words(
        list(PROPOSALS), "Who proposes candidates; see train.auto."
    )
    first_seed: int = fields.integer(0, "The first seed.", lower_bound=0)
    seeds: int = fields.integer(5, "Searches of each.", lower_bound=1)
    train_examples: int = fields.integer(20_000, "Training images.", lower_bound=100)
    rules: str = fields.text(
        str(RULES), "The version of the search, by the numbers of docs/auto.md."
    )
    runs: str = fields.text("runs/auto", "Where the runs are kept.")
    output: str = fields.text("results/auto", "The folder to write to.")


def main(config: SearchesConfig) -> None:
    """Runs what is not finished, and writes the comparison after every search."""
    need(config, "data_dir", "benchmark_table")
    output = files.make_folder(pathlib.Path(config.output))
    table, means = output / f"{_FILE}.csv", output / f"{_FILE}.md"
    rows = _known(table)
    done = {_key(row) for row in rows}
    for seed in range(config.first_seed, config.first_seed + config.seeds):
        wanted = [(b, p) for b in config.budgets for p in config.proposals]
        keys = [(p, clock.seconds(b), config.budget_of, seed, config.rules) for b, p in wanted]
        if not done.issuperset(keys):
            _decode(config, seed)
        for (budget, _), key in zip(wanted, keys, strict=True):
            if key not in done:
                done.add(key)
                rows.append(_row(config, *key, budget))
                files.write(table, as_csv(rows))
                files.write(means, summary(rows))
    files.write(means, summary(rows))
    print(means.read_text(), end="")


def _cache(config) -> pathlib.Path:
    return pathlib.Path(config.runs) / "images"


def _decode(config, seed: int) -> None:
    """Puts the images of a seed where the searches find them decoded."""
    storage = datasets.Storage(files.make_folder(_cache(config)), 0)
    given = {"data_dir": config.data_dir, "train_examples": config.train_examples}
    datasets.load("cifar10", **given, seed=seed, storage=storage)


def _row(
    config, proposals: str, seconds: float, budget_of: str, seed: int, rules: str, budget: str
) -> dict:
    # As runs of before were called.
    kind = "" if budget_of == "processor" else f"{budget_of}_"
    name = f"{proposals}_{kind}{seconds:.0f}_seed_{seed}"
    result = finish(
        *("auto", pathlib.Path(config.runs) / name, f"--budget={budget}", f"--seed={seed}"),
        f"--budget_of={budget_of}",
        *("--space=nas_bench_201", "--dataset=cifar10", f"--data_dir={config.data_dir}"),
        *(f"--train_examples={config.train_examples}", f"--proposals={proposals}"),
        f"--cache_dir={_cache(config)}",
        f"--benchmark_table={config.benchmark_table}",
    )
    place = result["benchmark"]
    known = {name: result[name] for name in ("spent_seconds", "candidates", "origin")}
    return {
        **dict(zip(_KEY, (proposals, seconds, budget_of, seed, rules), strict=True)),
        **known,
        "architecture": place["architecture"],
        JUDGED: place["columns"][JUDGED]["accuracy"],
        "rank": place["columns"][JUDGED]["rank"],
    }


def _key(row: dict) -> tuple:
    seconds, seed = float(row["budget_seconds"]), int(row["seed"])
    return row["proposals"], seconds, row["budget_of"], seed, row["rules"]


def _known(table: pathlib.Path) -> list[dict]:
    if not table.exists():
        return []
    with table.open(newline="") as lines:
        return list(csv.DictReader(lines))


def summary(rows: list[dict]) -> str:
    """A line a budget and way to propose: means over the seeds, in Markdown.

    Args:
        rows: searches, as they are in nas_bench_201.csv; its values may be texts.
    """
    lines = []
    kinds = {(rules, kind, seconds, who) for who, seconds, kind, _, rules in map(_key, rows)}
    for rules, kind, seconds, proposals in sorted(kinds):
        own = [r for r in rows if _key(r)[:3] == (proposals, seconds, kind) and r["rules"] == rules]
        own.sort(key=lambda row: int(row["seed"]))
        accuracies = [float(row[JUDGED]) for row in own]
        lines.append(
            [
                *(f"{seconds / 60:g}", kind, proposals, rules, str(len(own))),
                with_deviation(accuracies, ".2f"),
                ", ".join(f"{accuracy:.2f}" for accuracy in accuracies),
                ", ".join(f"{int(row['rank']):,}" for row in own),
                ", ".join(str(row["candidates"]) for row in own),
                f"{max(float(row['spent_seconds']) for row in own) / seconds:.2f}",
            ]
        )
    titles = ["minutes", "of", "proposals", "rules", "seeds", "test accuracy, %", "of each"]
    titles += ["ranks of 15,625", "candidates", "most spent of the budget"]
    return as_markdown(titles, lines)


if __name__ == "__main__":
    program.run(main)
