"""Cells of a short supernet search, as candidates: what gradients think best."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from darts_tf import datasets, genotypes, macros, methods, spaces
from darts_tf.budget import work
from darts_tf.budget.constraints import CountedCosts
from darts_tf.common import seeds
from darts_tf.datasets.augmentation import Augmentation
from darts_tf.genotypes.genotype import Genotype
from darts_tf.search import ArchitectureSearch, NonFiniteError
from darts_tf.search.collapse_monitor import CollapseMonitor


@dataclasses.dataclass(frozen=True)
class Images:
    """What a supernet sees: images that train candidates, none that rank them.

    Attributes:
        images: uint8 `[N, height, width, channels]`.
        labels: `[N]`.
        mean, std: for each channel, of pixels scaled to [0, 1].
        augmentation: of the images.
        class_weights: what an example of each class counts in the loss, `[classes]`.
    """

    images: np.ndarray
    labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    augmentation: Augmentation
    class_weights: np.ndarray


@dataclasses.dataclass(frozen=True)
class SupernetCells:
    """A supernet search whose epochs a budgeted search records; a `search.Source`.

    It is `ArchitectureSearch` with a row of `METHODS`, on few images and with the fewest cells
    that the space's network may have. The default is the first of these methods whose short
    searches find good cells where others collapse (docs/results.md).

    Args:
        space: the search space.
        data: half of the images train the weights, half the alphas.
        channels: of the first cell.
        method: a name in `METHODS`.
        number: of the source, decides what it draws together with `seed`.
        seed: of the whole search.
        folder: of its checkpoints, with which it goes on; None: nowhere.
        examples: images that are used, in both halves together.
        batch_size: images in a step.
        epochs: at most.
        samples: so many cells are drawn from the operation weights besides the selected one.
        learning_rate: first one of the weights, larger than the papers' as the steps are few.
    """

    space: spaces.Space
    data: Images
    channels: int
    method: str
    number: int = 0
    seed: int = 0
    folder: pathlib.Path | None = None
    examples: int = 4000
    batch_size: int = 64
    epochs: int = 12
    samples: int = 2
    learning_rate: float = 0.1

    def run(
        self, told: int, more: bool, tell: Callable[[dict], bool]
    ) -> list[tuple[Genotype, str]]:
        """Searches, or goes on from the newest checkpoint.

        Args:
            told: epochs of which earlier starts have told.
            more: whether there is time for another epoch.
            tell: is given a record after each epoch and says the same.

        Returns:
            Cells, the selected one first, and where they are from; none where the search
            came apart.
        """
        draws = seeds.of_trial(self.seed, 9_999 - self.number)
        search = self._search(draws)
        if not more and (search.restore(self.folder) or (0, 0))[0] < told:
            # A kill came before the last epoch was kept.
            more, search = True, self._search(draws)
        if more:
            try:
                search.fit(
                    *self._streams(draws),
                    epochs=self.epochs,
                    callbacks=[_Unwatched(search), _Epochs(self.method, tell)],
                    verbose=0,
                    checkpoint_dir=self.folder,
                    # A power cut may damage the last one.
                    keep_checkpoints=2,
                )
            except NonFiniteError:
                return []
        weights = {k: np.asarray(v) for k, v in search.supernet.operation_weights().items()}
        draw = np.random.default_rng(draws)
        drawn = [
            genotypes.sample_learned(search.supernet.space, weights, draw)
            for _ in range(self.samples)
        ]
        found = dict.fromkeys([search.genotype(), *drawn])
        return [
            (Genotype(self.space, genotype.cells), f"supernet {self.method}") for genotype in found
        ]

    def work(self) -> float:
        """The reference seconds of an epoch: steps of the weights and as many of the alphas."""
        return self._work

    @functools.cached_property
    def _work(self) -> float:
        # To count the supernet's costs takes about a second.
        counted = CountedCosts(self.space, *self._shape, self.channels, self._cells)
        size = min(self.batch_size, self._half)
        return work.training(
            counted.of_all_operations()["multiply_adds"],
            self._cells * len(self.space.operations),
            steps=2 * (self._half // size),
            batch_size=size,
        )

    def _search(self, draws: int) -> ArchitectureSearch:
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(draws)
        method = methods.get(self.method)
        first, last = method.weight_learning_rate
        rates = self.learning_rate, last * self.learning_rate / first
        method = dataclasses.replace(
            method, weight_learning_rate=rates, architecture_learning_rate=self._architecture_rate()
        )
        supernet = method.make_supernet(
            self.space, *self._shape, self.channels, self._cells, seed=draws
        )
        return ArchitectureSearch(supernet, method)

    @property
    def _shape(self) -> tuple:
        """Of an image, and the number of classes."""
        return self.data.images.shape[1:], len(self.data.class_weights)

    @property
    def _cells(self) -> int:
        """The fewest that the space's network may have."""
        return getattr(macros.get(self.space.macro), "stages", 3)

    def _architecture_rate(self) -> float:
        """As in configs/nas_bench_201, that of DARTS for so few steps, for all methods."""
        steps = self._half // min(self.batch_size, self._half)
        method = methods.get("darts-v1").at_length(self.epochs, steps)
        return float(method.architecture_learning_rate)

    @property
    def _half(self) -> int:
        """How many images are in each half."""
        return min(self.examples, len(self.data.labels)) // 2

    def _streams(self, draws: int):
        """The batches of the weights and of the alphas, each by the number of the epoch."""
        data, half = self.data, self._half
        order = np.random.default_rng(draws).permutation(len(data.labels))
        return tuple(
            self._stream(order[i * half : (i + 1) * half], seeds.of_stream(draws, i))
            for i in range(2)
        )

    def _stream(self, chosen, seed: int):
        data, size = self.data, min(self.batch_size, len(chosen))
        images, labels = data.images[chosen], data.labels[chosen]
        counts = np.asarray(data.class_weights, np.float32)

        def of_epoch(epoch: int) -> tf.data.Dataset:
            found = datasets.batches(
                images,
                labels,
                size,
                mean=data.mean,
                std=data.std,
                augmentation=data.augmentation,
                shuffle=True,
                seed=seed % 2**31,
                epoch=epoch,
                drop_remainder=True,
            )
            return datasets.with_class_weights(found, counts)

        return of_epoch


class _Unwatched(CollapseMonitor):
    """Measures and says nothing: whether the cell is a good one, short trainings will show."""

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_train_end(self, logs=None):
        pass


class _Epochs(keras.callbacks.Callback):
    """Tells of the end of each epoch, and ends the search where there is no time for another.

    Args:
        method: the name.
        tell: see `SupernetCells.run`.
    """

    def __init__(self, method: str, tell: Callable[[dict], bool]):
        super().__init__()
        self._method, self._tell = method, tell

    def on_epoch_end(self, epoch, logs=None):
        record = {
            "supernet": self._method,
            "epoch": epoch + 1,
            "supernet_accuracy": float(logs["val_accuracy"]),
            "entropy": float(logs["entropy"]),
        }
        if not self._tell(record):
            self.model.stop_training = True
