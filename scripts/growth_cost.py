"""Compares the time of a search that grows with that of one which is large from the start.

    python -m scripts.growth_cost --dataset=exchange_rate.txt.gz --output=results/forecasting

Chains of two-input nodes are searched for forecasts by turns, in one process: one that has all its
nodes from the start, and one that begins with one node and grows until it has as many, at equal
epochs. It writes, for every turn and as medians, two ratios of CPU time, and those of wall time:

    growth: from the end of the last epoch of the supernet before to the end of the first step of
        the largest one, over the time from nothing to the end of the first step of a search that
        is as large from the start. At most 1.5 is promised.
    search: the whole growing search over the whole large one. At most 0.7 is promised.
"""

import dataclasses
import json
import pathlib
import statistics
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf import methods
from darts_tf.common import files
from darts_tf.schedules.transitions import Grow
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import AddNode
from train import fields, program
from train.config import Config
from train.data_flags import TaskConfig
from train.series import EMBEDDED, Series

PROMISED = {"growth": 1.5, "search": 0.7}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CostConfig(Config):
    """The searches that are compared, and how often."""

    dataset: str = fields.text(EMBEDDED, "The series.")
    nodes: int = fields.integer(4, "Nodes of the larger chain.", lower_bound=2)
    epochs: int = fields.integer(
        16, "Of both searches; the growing one has equally many with every number of nodes."
    )
    channels: int = fields.integer(16, "Units of a node.", lower_bound=2)
    batch_size: int = fields.integer(128, "Windows in a batch.", lower_bound=1)
    window: int = fields.integer(8, "Rows that a forecast is made from.", lower_bound=1)
    turns: int = fields.integer(3, "Pairs of searches.", lower_bound=1)
    output: str = fields.text("results/forecasting", "The folder for growth_cost.json.")


@dataclasses.dataclass(frozen=True)
class GrowOften:
    """A rule that adds a node after every so many epochs.

    Args:
        every: epochs with one number of nodes.
        nodes: how many there are in the end.
    """

    every: int
    nodes: int

    memory = 1
    eigenvalue_every = 0
    orders = (Grow,)

    def __call__(self, observations, epochs, space):
        due = (observations[-1].epoch + 1) % self.every == 0
        return (Grow((AddNode(),)),) if due and space.nodes < self.nodes else ()


class Clock(keras.callbacks.Callback):
    """CPU and wall seconds since it was made, at the ends of epochs and of their first steps."""

    def __init__(self):
        super().__init__()
        self._began = self._now()
        self.first_steps, self.epochs = [], []

    @staticmethod
    def _now():
        return time.process_time(), time.perf_counter()

    def seconds(self):
        """(CPU, wall) seconds since it was made."""
        return tuple(now - then for now, then in zip(self._now(), self._began, strict=True))

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self.first_steps.append(self.seconds())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.seconds())


def main(config: CostConfig) -> None:
    """Measures, prints the ratios and writes them."""
    series = config.values(("dataset", "window")).items()
    words = ["--task=forecasting", *(f"--{name}={value}" for name, value in series)]
    _, data = Series.load(TaskConfig.from_words(words))
    turns = []
    for number in range(config.turns):
        large = _search(config, data, config.nodes)
        grown = _search(config, data, 1)
        last = (config.nodes - 1) * (config.epochs // config.nodes)
        growth = _difference(grown.first_steps[last], grown.epochs[last - 1])
        turn = {
            "growth": _ratio(growth, large.first_steps[0]),
            "search": _ratio(grown.epochs[-1], large.epochs[-1]),
            "seconds": {"large": large.epochs[-1], "grown": grown.epochs[-1]},
            "first_step": {"large": large.first_steps[0], "grown": growth},
        }
        turns.append(turn)
        print(f"turn {number + 1}: {_words(turn)}", flush=True)
    medians = {
        name: {
            kind: statistics.median(turn[name][kind] for turn in turns) for kind in ("cpu", "wall")
        }
        for name in PROMISED
    }
    print(f"median: {_words(medians)}; promised: growth 1.5, search 0.7")
    path = files.make_folder(pathlib.Path(config.output)) / "growth_cost.json"
    settings = config.values(name for name in config.names() if name not in ("dataset", "output"))
    content = {"series": data.name, **settings, "promised": PROMISED, "medians": medians}
    files.write(path, json.dumps({**content, "turns": turns}, indent=1) + "\n")


def _search(config, data, nodes: int) -> Clock:
    """A search that begins with so many nodes, and the times that it took."""
    keras.utils.set_random_seed(0)
    rule = GrowOften(config.epochs // config.nodes, config.nodes)
    method = methods.get("growing").with_settings(data.search_settings)
    method = dataclasses.replace(method, rule=rule)
    train, validation = (
        data.stream(part, config.batch_size, seed)
        for seed, part in enumerate(data.split(data.training, 0.75, 0))
    )
    space, clock = chain(nodes), Clock()
    size = data.input_shape, data.num_classes, config.channels
    supernet = method.make_supernet(space, *size, macro=data.macro(space))
    search = ArchitectureSearch(supernet, method, task=data.task("forecasting"))
    search.fit(train, validation, config.epochs, callbacks=[clock], verbose=0)
    return clock


def _difference(later, earlier):
    return tuple(a - b for a, b in zip(later, earlier, strict=True))


def _ratio(times, others) -> dict[str, float]:
    pairs = zip(("cpu", "wall"), times, others, strict=True)
    return {kind: a / b for kind, a, b in pairs}


def _words(found) -> str:
    return ", ".join(
        f"{name} {found[name]['cpu']:.3f} (wall {found[name]['wall']:.3f})" for name in PROMISED
    )


if __name__ == "__main__":
    program.run(main)
