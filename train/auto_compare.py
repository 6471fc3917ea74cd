"""What a search within a budget found, beside what it has to beat, all trained alike."""

import dataclasses
import functools
import shutil
import statistics
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf import budget as budgets
from darts_tf.budget import clock, contenders
from darts_tf.budget.image_search import WEIGHTS, search_for
from darts_tf.budget.journal import Journal
from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.networks import training
from darts_tf.networks.network import build_network
from darts_tf.report import comparison
from train import fields
from train.auto_progress import Progress
from train.config import Config

#: Name in the table -> who proposes candidates.
SEARCHES = {"random cells": "random", "aging evolution": "evolution"}
_FOUND = "found cell"
_FILE = "trainings.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """A comparison at the end of a search."""

    compare: bool = fields.switch(
        False,
        "Also search with random cells and by aging evolution, each with the same budget, and "
        "train what all found, a published cell, a residual network and a plain convolutional one "
        "of equal cost from scratch, each with all of --compare_rates.",
    )
    compare_epochs: int = fields.integer(
        20, "With --compare: epochs of each of these trainings.", lower_bound=1
    )
    compare_seeds: int = fields.integer(
        3, "With --compare: trainings of each network with its best learning rate.", lower_bound=1
    )
    compare_rates: tuple[str, ...] = fields.words(
        ["0.0125", "0.05", "0.2"], "With --compare: the learning rates that each network tries."
    )

    def rates(self) -> list[float]:
        """The learning rates.

        Raises:
            UserError: one is no number above 0, or there is none.
        """
        try:
            found = [float(text) for text in self.compare_rates]
        except ValueError:
            found = []
        if not found or not all(0 < rate < float("inf") for rate in found):
            raise UserError(
                f"--compare_rates={','.join(self.compare_rates)}: expected numbers above 0"
            )
        return found


#: What decides a comparison, and nothing of the search before it.
NAMES = ("compare", "compare_epochs", "compare_seeds", "compare_rates")


def finished(config, folder) -> bool:
    """Whether a folder holds the comparison that is asked for."""
    known = folder.read_json(comparison.FILE)
    return known is not None and known.get("budget") == _budget(config)


def _budget(config) -> str:
    rates = ", ".join(f"{rate:g}" for rate in config.rates())
    return (
        f"{config.budget} of {config.budget_of} time for each search, then the learning rates "
        f"{rates} and {config.compare_seeds} seeds of {config.compare_epochs} epochs for each "
        "network"
    )


def run(config, data, folder, found: budgets.Found, options: dict, startup: float) -> list[dict]:
    """Compares, or goes on; writes comparison.json.

    Args:
        config: an `AutoConfig`.
        data: of the task.
        folder: of the run.
        found: by the search.
        options: of `search_for`, those of the search.
        startup: seconds of its budget that were spent before it began.

    Returns:
        The rows of the table.
    """
    cells = {_FOUND: (found.genotype, found.seconds)}
    for name in SEARCHES:
        other = _search(config, data, folder, name, options, startup)
        cells[name] = other.genotype, other.seconds
        print(f"{name}: the best of {len(other.candidates)} in {other.seconds:.0f} s", flush=True)
    limits = config.constraints()
    measured = limits.latency_ms is not None
    networks, rows = {}, []
    for name, (genotype, seconds) in cells.items():
        networks[name] = _builder(config, data, genotype), seconds
    most = contenders.costs(networks[_FOUND][0]())["multiply_adds"]
    journal = Journal(folder.file(_FILE))
    for name, make in contenders.CONTENDERS.items():
        if make is contenders.published:
            make = functools.partial(make, stem=data.stem)

        def of_width(channels, make=make):
            return make(data.input_shape, data.num_classes, channels)

        channels = _channels(journal, name, of_width, most, limits)
        if channels is None:
            continue
        networks[name] = (lambda channels=channels, of_width=of_width: of_width(channels)), 0.0
    trainings = _Trainings(config, data, journal)
    for name, (make, seconds) in networks.items():
        row = trainings.row(name, make)
        if config.budget_of == "processor":
            row["processor_seconds"] += seconds
        row["processor_seconds"] = round(row["processor_seconds"], 1)
        row["search_seconds"] = round(seconds, 1)
        kind = "found" if name == _FOUND else "baseline"
        rows.append({"name": name, "kind": kind, **row, **contenders.costs(make(), measured)})
    comparison.write(
        folder.file(comparison.FILE),
        comparison.Comparison(
            metric="test_accuracy",
            larger_is_better=True,
            rows=rows,
            budget=_budget(config),
            data_sha256=data.digest(folder.read_json("data.json")),
        ),
    )
    return rows


def _channels(journal: Journal, name: str, of_width, most: float, limits) -> int | None:
    """How wide a network may be; None if it is left out.

    An earlier start's answer stays, because a latency is another one whenever it is measured.
    """
    chosen = (record for record in journal.records if record["name"] == name)
    record = next((one for one in chosen if "channels" in one), None)
    if record is None:
        try:
            record = {"channels": contenders.widest(of_width, most, limits)[0]}
        except UserError as error:
            record = {"channels": None, "why": str(error)}
        journal.add({"name": name} | record)
    if record["channels"] is None:
        print(f"{name} is left out: {record['why']}", flush=True)
    return record["channels"]


def _builder(config, data, genotype):
    size = data.input_shape, data.num_classes, *config.size()
    return lambda: build_network(genotype, *size, stem=data.stem)


def _search(config, data, folder, name, options, startup) -> budgets.Found:
    own = folder.file(name.replace(" ", "_"))
    found = search_for(
        data.image_data,
        config.budget,
        **{
            **options,
            # The found cell's search had to start the program and to read the data.
            "since": clock.KINDS[config.budget_of]() - startup,
            "proposals": SEARCHES[name],
            "published_cells": 0,
            "folder": own,
            "after": Progress(config, name),
        },
    )
    shutil.rmtree(own / WEIGHTS, ignore_errors=True)
    return found


class _Trainings:
    """Trains networks from scratch, and remembers which are done.

    Args:
        config: an `AutoConfig`.
        data: of the task.
        journal: of an earlier start, or empty.
    """

    def __init__(self, config, data, journal: Journal):
        self._config, self._data, self._journal = config, data, journal
        self._task = data.task(config.task)

    def row(self, name: str, make) -> dict:
        """Tries all learning rates on a validation part, then tests the best with all seeds.

        Args:
            name: of the network.
            make: builds it.
        """
        config, data = self._config, self._data
        learning, checking = data.with_validation(0.8, config.seed)
        tries = {
            rate: self._train(name, make, rate, 0, (learning, checking)) for rate in config.rates()
        }
        rate = max(tries, key=lambda rate: tries[rate]["accuracy"])
        tests = [
            self._train(name, make, rate, seed + 1, (data.training, data.test))
            for seed in range(config.compare_seeds)
        ]
        accuracies = [test["accuracy"] for test in tests]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else None
        seconds = sum(one["seconds"] for one in (*tries.values(), *tests))
        return {
            "value": statistics.mean(accuracies),
            "deviation": spread,
            "seeds": len(accuracies),
            "learning_rate": rate,
            "processor_seconds": seconds,
        }

    def _train(self, name, make, rate, number, parts) -> dict:
        """One training; number 0 is a try of a learning rate."""
        key = {"name": name, "learning_rate": rate, "number": number}
        key["epochs"] = self._config.compare_epochs
        for record in self._journal.records:
            if {k: record.get(k) for k in key} == key:
                return record
        started, config = time.process_time(), self._config
        keras.utils.clear_session()
        keras.utils.set_random_seed(seeds.of_trial(config.seed, number))
        network = make()
        batch_size = min(96, self._data.size(parts[0]))
        stream = self._data.stream(parts[0], batch_size, seeds.of_stream(config.seed, number, 1000))
        recipe = training.Recipe(config.compare_epochs, learning_rate=rate, drop_path=0.0)
        training.train_network(network, stream, recipe, task=self._task)
        measured = training.test_network(network, self._data.in_order(parts[1]), self._task)
        accuracy = float(measured[self._task.objective.name])
        seconds = round(time.process_time() - started, 2)
        what = "tested" if number else "validated"
        print(f"{name}, learning rate {rate:g}: {what} {accuracy:.4f}  {seconds:.0f} s", flush=True)
        self._journal.add(key | {"accuracy": accuracy, "seconds": seconds})
        return self._journal.records[-1]
