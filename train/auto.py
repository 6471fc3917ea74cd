"""Finds the best cell that a budget of time buys, within limits of what its network may cost.

    python -m train.auto --budget=15m --dataset=digits --max_parameters=300000 --output_dir=RUN

It needs no choice of a method: published cells of the space, random ones, then cells that a model
of the scores so far proposes are trained for a short time as small networks, the best of them
longer (docs/auto.md). It writes to RUN: genotype.json, the best cell so far, after every step;
candidates.jsonl, every step with its evidence and its cost; and in the end result.json, pictures of
the cells and report.html. Started again with the same settings it goes on where it stopped.

With --compare the same budget is also given to random cells and to aging evolution, and what they
found is trained from scratch beside what this found, a published cell, a residual network and a
plain convolutional one of the same cost: comparison.json.
"""

import dataclasses
import shutil
import time

import train.startup  # TensorFlow is first imported here

import keras

from darts_tf import budget as budgets
from darts_tf import macros, spaces
from darts_tf.budget import clock
from darts_tf.budget.image_search import JOURNAL, PUBLISHED_CELLS, WEIGHTS
from darts_tf.budget.proposals import PROPOSALS
from darts_tf.budget.size import Size
from darts_tf.common.errors import UserError
from darts_tf.common.progress import duration
from darts_tf.runs.settings import Changeable
from train import auto_compare, auto_progress, data_flags, fields, program, reports, results, runs
from train.auto_compare import CompareConfig
from train.data_flags import DataConfig
from train.results import TableConfig

# Seconds between two reports of a run that goes on.
_REPORT_EVERY = 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutoConfig(DataConfig, TableConfig, CompareConfig):
    """A search within a budget."""

    without_task = (
        "it compares image networks by short trainings; for texts and series give train.search a "
        "method, such as --method=darts-v1"
    )

    budget: str = fields.text("15m", "How long to search: 90s, 15m, 1h30m or 2h.")
    budget_of: str = fields.choice(
        "processor",
        list(clock.KINDS),
        "What the budget is of: processor, the time of all processors, or wall, that of the clock, "
        "both with the start of the program and the reading of the data; or reference, the work of "
        "all trainings at a fixed speed, with which a search is the same on every machine and "
        "under any load.",
    )
    max_parameters: int | None = fields.integer(
        None, "The network has at most so many weights.", lower_bound=1
    )
    max_flops: int | None = fields.integer(
        None, "The network has at most so many multiply-adds an image.", lower_bound=1
    )
    max_latency_ms: float | None = fields.number(
        None, "The network takes at most so many milliseconds for one image on this machine."
    )
    space: str = fields.choice("darts_cnn", spaces.names(searchable_only=True), "The search space.")
    channels: int | None = fields.integer(
        None, "Channels of the network's first cell, 16 by default.", lower_bound=2
    )
    cells: int | None = fields.integer(
        None,
        "Cells of the network, 8 by default in darts_cnn and 15 in nas_bench_201.",
        lower_bound=3,
    )
    proxy_channels: int | None = fields.integer(
        None,
        "Channels of the small networks that are compared, at most 8 by default.",
        lower_bound=2,
    )
    proxy_cells: int | None = fields.integer(
        None, "Their cells, by default as many as the network has.", lower_bound=3
    )
    proxy_pixels: int = fields.integer(
        16, "The longer side of the images that they see, at most.", lower_bound=1
    )
    proxy_steps: int = fields.integer(
        240,
        "Steps of 32 images that each is trained for at first; the best get more.",
        lower_bound=1,
    )
    proposals: str = fields.choice(
        "predicted",
        list(PROPOSALS),
        "Who proposes candidates: predicted, a model of the scores so far; or, to compare with, "
        "random, by the same halving, or evolution, by aging evolution with trainings of three "
        "times --proxy_steps.",
    )
    published_cells: int | None = fields.integer(
        None,
        f"So many published cells of the space are tried first, {PUBLISHED_CELLS} by default where "
        "--proposals=predicted, else none.",
        lower_bound=0,
    )
    output_dir: str | None = fields.text(None, "The folder that the search writes to.")

    def constraints(self) -> budgets.Constraints:
        """The limits."""
        return budgets.Constraints(self.max_parameters, self.max_flops, self.max_latency_ms)

    def size(self) -> tuple[int, int]:
        """Channels and cells of the network."""
        channels, cells = macros.get(spaces.get(self.space).macro).search_size
        return self.channels or channels, self.cells or cells

    def proxy(self) -> Size:
        """The small networks."""
        return Size(
            self.proxy_channels, self.proxy_cells, self.proxy_pixels, steps=self.proxy_steps
        )

    def decisive(self) -> dict:
        names = (
            *("budget", "budget_of", "max_parameters", "max_flops", "max_latency_ms", "space"),
            *("proxy_channels", "proxy_cells", "proxy_pixels", "proxy_steps", "benchmark_table"),
            *("proposals", "published_cells"),
        )
        settings = {**self.values(names), **super().decisive()}
        settings["channels"], settings["cells"] = self.size()
        return {"program": "auto", **settings}


def main(config: AutoConfig) -> None:
    """Runs a search."""
    if not config.output_dir:
        raise UserError("--output_dir is missing; give the folder that the search writes to")
    clock.seconds(config.budget)
    why = "has no meaning for train.auto, which shifts the images of its small networks"
    config.refuse_given(("augment",), why)
    config.refuse_given(
        ("sampling",), "has no meaning for train.auto; --class_weights=balanced does the like"
    )
    config.rates()
    if not config.compare:
        config.refuse_given(auto_compare.NAMES[1:], "is for --compare")
    elif config.proposals != "predicted":
        raise UserError(
            f"--compare has searches by random cells and aging evolution besides that by "
            f"--proposals=predicted; got --proposals={config.proposals}"
        )
    options = {"constraints": config.constraints(), "budget_of": config.budget_of}
    table = results.load_table(config, config.space)
    # The processor time of a process is 0 at its beginning.
    now, started = clock.KINDS[config.budget_of], 0.0
    if config.budget_of == "wall":
        started = train.startup.STARTED
    config, data = data_flags.load(runs.keep_augmentation(config, config.output_dir))
    # A comparison decides nothing of the search, and may be asked for later.
    changeable = Changeable(free=auto_compare.NAMES)
    folder = runs.open_folder(config, config.decisive(), data, changeable)
    if folder.finished and not (config.compare and not auto_compare.finished(config, folder)):
        print(f"this search is finished; see {folder.path}")
        return
    keras.utils.set_random_seed(config.seed)
    options |= {
        **dict(zip(("channels", "cells"), config.size(), strict=True)),
        **{"proxy": config.proxy(), "seed": config.seed, "crop": config.crop},
        "class_weights": data.class_weights,
        **{"space": config.space, "stem": data.stem},
        "proposals": config.proposals,
        "published_cells": config.published_cells,
    }
    startup = now() - started
    found = budgets.search_for(
        data.image_data,
        config.budget,
        **options,
        folder=folder.path,
        since=started,
        after=_Steps(folder, auto_progress.Progress(config)),
    )
    folder.file(JOURNAL)
    if folder.finished:
        spent = folder.read_json("result.json")["spent_seconds"]
        found = dataclasses.replace(found, seconds=spent)
    if config.compare:
        auto_compare.run(config, data, folder, found, options, startup)
    if folder.finished:
        reports.write(folder)
        print(f"the comparison is in {folder.path}")
        return
    result = _result(config, found) | results.report(found.genotype, data, *config.size(), table)
    results.write(found.genotype, folder, result | runs.provenance(folder, data))
    shutil.rmtree(folder.file(WEIGHTS), ignore_errors=True)
    spent = duration(found.seconds) + auto_progress.unit(config)
    print(
        f"found the best of {len(found.candidates)} cells in {spent}; genotype and pictures are in "
        f"{folder.path}"
    )


def _result(config: AutoConfig, found) -> dict:
    best = found.best
    return {
        "method": "auto",
        "proposals": config.proposals,
        "budget_seconds": clock.seconds(config.budget),
        "spent_seconds": round(found.seconds, 1),
        "candidates": len(found.candidates),
        "rung": len(best.scores) - 1,
        "candidate": best.number,
        "origin": best.origin,
        **{name: value for name, value in best.costs.items() if name == "latency_ms"},
    }


class _Steps:
    """Says what a step has shown, and keeps genotype.json and the report up to date.

    Args:
        folder: of the run.
        say: prints what a step has shown.
    """

    def __init__(self, folder, say):
        self._folder, self._say = folder, say
        self._best, self._next = None, 0.0

    def __call__(self, record: dict, search) -> None:
        best = search.best
        if best is not None and (best.number, len(best.scores)) != self._best:
            self._best = best.number, len(best.scores)
            best.genotype.save(self._folder.file("genotype.json"))
        self._say(record, search)
        if time.monotonic() >= self._next:
            reports.write(self._folder)
            self._next = time.monotonic() + _REPORT_EVERY


if __name__ == "__main__":
    program.run(main)
