"""What supernets find and how they rank cells: accuracies and Kendall's tau, by a table.

    python -m scripts.rank_supernets --data_dir=DATA --benchmark_table=TABLE.csv

trains a supernet of NAS-Bench-201's space on CIFAR-10 by every method, each for --seconds of
processor time of steps; --longer methods besides for three times that, --smaller ones in the space
without `none` and pooling, and one by fair sampling (scripts/fair_sampling.py). The cell that the
method selects is looked up. Then each supernet evaluates the same random cells on validation
images, of the half that has trained the alphas, by its weights, with batch normalisation by the
statistics of the batch, by the moving ones of the supernet, and by those that are measured for each
cell. The sizes are those of configs/nas_bench_201. Supernets stay in --runs; started again, the
program goes on where it stopped, and all methods with one seed come first. Writes to --output:
ranking.jsonl, a line a supernet with all accuracies; ranking.csv, a line a supernet and way of
normalising, and cells.csv, a line a selected cell; ranking.md and cells.md, means and standard
deviations over the seeds.
"""

import dataclasses
import json
import pathlib
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import numpy as np

from darts_tf import datasets, methods, spaces
from darts_tf.budget.journal import Journal
from darts_tf.common import files, seeds
from darts_tf.datasets.augmentation import Augmentation
from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.tables import BenchmarkTable
from darts_tf.search import ArchitectureSearch, NonFiniteError
from darts_tf.search.callbacks import MetricsLog
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.shared_weights import one_hot
from scripts import found_cells
from scripts.comparisons import need
from scripts.fair_sampling import Fair, Steps
from scripts.supernet_rankings import SMALLER, WAYS, as_csv, cells, summary, taus
from train import fields, program
from train.config import Config

_SPACE = spaces.NAS_BENCH_201
_LONGER = 3
_CHANNELS, _CELLS, _BATCH, _RATE = 8, 3, 64, 0.1
# Batches that the moving statistics of a cell are measured on.
_MEASURED = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class RankingConfig(Config):
    """What is trained, what it ranks, and where the figures go."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps CIFAR-10.")
    dataset: str = fields.text("cifar10", "What the supernets are trained on.")
    benchmark_table: str | None = fields.text(None, "A CSV file of NAS-Bench-201.")
    methods: tuple[str, ...] = fields.words(
        [], "The methods whose supernets are trained. Default: all that can rank single cells."
    )
    longer: tuple[str, ...] = fields.words(
        ["random-ws", "drnas"], "Those that are also trained three times as long."
    )
    smaller: tuple[str, ...] = fields.words(
        ["random-ws"], "Those that are also trained in the space without none and pooling."
    )
    fair: bool = fields.switch(True, "Also train a supernet by fair sampling.")
    seeds: int = fields.integer(3, "Supernets of each.", lower_bound=1)
    seconds: int = fields.integer(
        40, "Processor seconds of the steps of each supernet.", lower_bound=1
    )
    train_examples: int = fields.integer(
        4000, "Images; half of them train the weights.", lower_bound=4 * _BATCH
    )
    image_size: int = fields.integer(16, "Pixels of a side.", lower_bound=4)
    random_cells: int = fields.integer(100, "Cells that are ranked.", lower_bound=3)
    validation_examples: int = fields.integer(
        1000, "Images that each of them is evaluated on.", lower_bound=1
    )
    runs: str = fields.text("runs/ranking", "Where the supernets are kept.")
    output: str = fields.text("results/ranking", "The folder to write to.")


@dataclasses.dataclass(frozen=True)
class Setting:
    """A supernet that is trained.

    Attributes:
        method: a name in `METHODS`.
        times: of the seconds.
        small: whether it is one of the smaller space.
        fair: whether architectures are drawn by `Fair` and not by the method's relaxation.
    """

    method: str
    times: int = 1
    small: bool = False
    fair: bool = False

    def __str__(self):
        if self.fair:
            return "fair sampling"
        long = f", {self.times} times as long" if self.times > 1 else ""
        return f"{self.method}{long}{', smaller space' if self.small else ''}"

    @property
    def space(self) -> spaces.Space:
        """The search space."""
        if not self.small:
            return _SPACE
        return _SPACE.restrict({"normal": [SMALLER] * len(_SPACE.edges)})


def settings(config: RankingConfig) -> list[Setting]:
    """All that is trained with one seed."""
    names = config.methods or [name for name, one in methods.METHODS.items() if ranks(one)]
    return [
        *map(Setting, names),
        *(Setting(name, times=_LONGER) for name in config.longer),
        *(Setting(name, small=True) for name in config.smaller),
        *[Setting("random-ws", fair=True)] * config.fair,
    ]


def ranks(method) -> bool:
    """Whether a method trains one supernet that holds all cells of the space to its end.

    Stages and growing ones hold some of the cells only.
    """
    grows = hasattr(method.rule, "first_space")
    return method.has_supernet and method.trains and not method.stages and not grows


def main(config: RankingConfig) -> None:
    """Trains and ranks what is not done, and writes the figures after every supernet."""
    need(config, "benchmark_table")
    table = BenchmarkTable.load(config.benchmark_table)
    output = files.make_folder(pathlib.Path(config.output))
    journal = Journal(output / "ranking.jsonl")
    done = {(record["setting"], record["seed"]) for record in journal.records}
    for seed in range(config.seeds):
        data = datasets.load(
            config.dataset,
            data_dir=config.data_dir,
            train_examples=config.train_examples,
            image_size=config.image_size,
            seed=seed,
        )
        for setting in settings(config):
            if (str(setting), seed) not in done:
                journal.add(_Ranking(config, data, setting, seed).record())
            _write(output, journal.records, table)
    for name in ("ranking.md", "cells.md"):
        print((output / name).read_text())


def _write(output: pathlib.Path, records: list[dict], table: BenchmarkTable) -> None:
    rows = [row for record in records for row in taus(record, table)]
    files.write(output / "ranking.csv", as_csv(rows))
    files.write(output / "ranking.md", summary(rows))
    cells = [row for record in records for row in found_cells.row(record, table)]
    files.write(output / "cells.csv", as_csv(cells))
    files.write(output / "cells.md", found_cells.summary(cells))


class _Ranking:
    """A supernet, and what it thinks of random cells."""

    def __init__(self, config: RankingConfig, data, setting: Setting, seed: int):
        self._config, self._data, self._setting, self._seed = config, data, setting, seed
        kind = "_small" * setting.small + "_fair" * setting.fair
        name = f"{setting.method}_{setting.times}{kind}_seed_{seed}"
        self._folder = files.make_folder(pathlib.Path(config.runs) / name)
        training = data.train_images, data.train_labels
        self._halves = datasets.split(*training, 0.5, seed)
        self._augmentation = Augmentation.suited_to(data, False)

    def record(self) -> dict:
        """Trains the supernet and evaluates the cells."""
        found = {"setting": str(self._setting), "small": self._setting.small, "seed": self._seed}
        search = self._search()
        epochs = self._epochs(search)
        search = self._search()
        log = MetricsLog(self._folder / "metrics.jsonl", search)
        print(f"{self._setting}, seed {self._seed}: {epochs} epochs", flush=True)
        try:
            self._fit(search, epochs, [log], self._folder / "checkpoints")
        except NonFiniteError as error:
            return found | {"failed": str(error)}
        last = json.loads((self._folder / "metrics.jsonl").read_text().splitlines()[-1])
        found |= {"epochs": epochs, "step_seconds": last["step_cpu_seconds"]}
        found |= {"steps": epochs * self._steps}
        started = time.process_time()
        cell = search.genotype(self._validation())
        found |= {"cell": None if self._setting.fair else nas_bench_201.to_string(cell)}
        found |= {"selection_seconds": round(time.process_time() - started, 1)}
        return found | {"accuracies": self._accuracies(search.supernet)}

    @property
    def _batch(self) -> int:
        return min(_BATCH, len(self._halves[0][1]))

    @property
    def _steps(self) -> int:
        """Of an epoch."""
        return len(self._halves[0][1]) // self._batch

    def _search(self) -> ArchitectureSearch:
        keras.utils.clear_session()
        keras.utils.set_random_seed(self._seed)
        method = methods.get(self._setting.method)
        first, last = method.weight_learning_rate
        method = dataclasses.replace(method, weight_learning_rate=(_RATE, last * _RATE / first))
        if self._setting.fair:
            method = dataclasses.replace(method, relaxation=Fair(self._seed))
        size = self._data.image_shape, self._data.num_classes, _CHANNELS, _CELLS
        supernet = method.make_supernet(self._setting.space, *size, seed=self._seed)
        return ArchitectureSearch(supernet, method)

    def _epochs(self, search) -> int:
        """As many as have the time; decided once."""
        path = self._folder / "epochs.json"
        if not path.exists():
            timed = _Timed()
            self._fit(search, 1, [timed], None)
            seconds = self._config.seconds * self._setting.times
            files.write(path, json.dumps(max(1, round(seconds / timed.step / self._steps))))
        return json.loads(path.read_text())

    def _fit(self, search, epochs, callbacks, folder) -> None:
        train, validation = (
            self._stream(half, seeds.of_stream(self._seed, i), self._augmentation)
            for i, half in enumerate(self._halves)
        )
        if self._setting.fair:
            callbacks = [Steps(search, self._steps), *callbacks]
        search.fit(
            *(train, validation, epochs),
            callbacks=callbacks,
            verbose=0,
            checkpoint_dir=folder,
            keep_checkpoints=1,
        )

    def _stream(self, part, seed, augmentation):
        data = self._data

        def of_epoch(epoch):
            return datasets.batches(
                *(*part, self._batch),
                **{"mean": data.mean, "std": data.std, "augmentation": augmentation},
                **{"shuffle": True, "seed": seed, "epoch": epoch, "drop_remainder": True},
            )

        return of_epoch

    def _validation(self):
        """Batches of the images that rank cells."""
        images, labels = (part[: self._config.validation_examples] for part in self._halves[1])
        return datasets.batches(images, labels, 250, mean=self._data.mean, std=self._data.std)

    def _accuracies(self, supernet) -> dict[str, list[float]]:
        """Way of normalising -> the accuracy of each cell."""
        given = self._stream(self._halves[0], self._seed, self._augmentation)(0)
        inputs = [batch[0] for batch in given.take(_MEASURED)]
        found, batches = {}, list(self._validation())
        for way, statistics_of in zip(WAYS, (None, [], inputs), strict=True):
            started = time.process_time()
            evaluation = SupernetEvaluation(supernet, batches, statistics=statistics_of)
            drawn = cells(self._seed, self._config.random_cells, self._setting.small)
            found[way] = [evaluation.objective(one_hot(_SPACE, cell)) for cell in drawn]
            print(f"  by {way}: {time.process_time() - started:.0f} s", flush=True)
        return found


class _Timed(keras.callbacks.Callback):
    """The processor seconds of a step, the median of the second half of an epoch."""

    def on_train_begin(self, logs=None):
        self._ends = []

    def on_train_batch_end(self, batch, logs=None):
        self._ends.append(time.process_time())

    @property
    def step(self) -> float:
        """Seconds."""
        steps = np.diff(self._ends)
        return float(np.median(steps[len(steps) // 2 :]))


if __name__ == "__main__":
    program.run(main)
