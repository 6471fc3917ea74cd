"""Short trainings of the networks of convolutional cells, from scratch, rung by rung."""

import dataclasses
import functools
import gc
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf import datasets, macros, spaces
from darts_tf.budget import evidence, halving, work
from darts_tf.budget.constraints import CountedCosts
from darts_tf.budget.descent import Descent
from darts_tf.budget.size import Size
from darts_tf.budget.supernet_cells import Images, SupernetCells
from darts_tf.common import array_files, files, seeds
from darts_tf.common.errors import UserError
from darts_tf.costs import latency
from darts_tf.datasets.augmentation import Augmentation, transformation
from darts_tf.networks.network import build_network
from darts_tf.runtime.grappler import without_grappler

# Pixels of images that are shrunk together: in float32 that is 16 bytes each and more.
_PIXELS_AT_ONCE = 2**22
# Networks whose memory is freed at once.
_FREED_TOGETHER = 10
# The channels of a supernet are a multiple of it.
_DIVIDED = 4
# So often the number of images that rank candidates is doubled.
_MORE_CHECKED = 3


class ImageCandidates:
    """An `Evaluator` of the networks of convolutional cells on images.

    The network that costs are of is the one that is wanted; the one that is trained is smaller, as
    `Size` says. All candidates see the same images in the same order. The test images are not
    touched.

    Args:
        space: the search space, or its name.
        data: the images. Without a validation part a fifth of the training images is one.
        size: channels and cells of the wanted network.
        proxy: of the network that is trained. Default: see `Size`.
        folder: where weights are kept between rungs; None: in memory.
        measures_latency: whether `costs` has `latency_ms`.
        seed: of weights, order and augmentation.
        crop: whether training images are shifted, by up to an eighth of their size.
        class_weights: what an example of each class counts in the loss and in the score,
            `[num_classes]`. Default: all the same.
        stem: of the wanted network, see `build_network`. Default: the space's, as that of the small
            networks, whose images are small.
    """

    def __init__(
        self,
        space,
        data: datasets.ImageData,
        size: tuple[int, int],
        *,
        proxy: Size | None = None,
        folder=None,
        measures_latency: bool = False,
        seed: int = 0,
        crop: bool = True,
        class_weights: np.ndarray | None = None,
        stem: str | None = None,
    ):
        self._size, self._seed, self._latency = size, seed, measures_latency
        self._space, self._data = spaces.get(space), data
        self._small_stem = macros.get(self._space.macro).stem_name
        self._stem = stem or self._small_stem
        even = np.ones(data.num_classes) if class_weights is None else np.asarray(class_weights)
        self._weights = even.astype(np.float32)
        self._proxy = (proxy or Size()).of(size, data.image_shape)
        # Refuses a number of cells before anything is spent.
        macros.get(self._space.macro).parts(self._proxy.channels, self._proxy.cells)
        self._folder = None if folder is None else pathlib.Path(folder)
        self._kept, self._trained = {}, 0
        self.counted = CountedCosts(
            space, data.image_shape, data.num_classes, *size, stem=self._stem
        )
        (images, labels), (checked, targets) = _parts(data, seed)
        self._images, self._labels = shrunk(images, self._proxy.pixels), labels
        order = np.random.default_rng(seed).permutation(len(targets))
        order = order[: self._proxy.validation * 2**_MORE_CHECKED]
        self._batch = min(self._proxy.batch_size, len(labels))
        self._shape = self._images.shape[1:]
        augmentation = Augmentation.suited_to(data, False)
        padding = min(augmentation.crop_padding, min(self._shape[:2]) // 8) if crop else 0
        augmentation = dataclasses.replace(augmentation, crop_padding=padding, cutout=0)
        self._augmentation = augmentation
        scaling = tuple(map(float, data.mean)), tuple(map(float, data.std))
        self._transform = tf.function(
            transformation((self._batch, *self._shape), *scaling, augmentation), autograph=False
        )
        # Of images in a file only those are read that are shrunk together.
        chosen = getattr(checked, "select", checked.__getitem__)(order)
        pixels = shrunk(chosen, self._proxy.pixels)
        self._checked = ((pixels[:] / 255 - data.mean) / data.std).astype(np.float32)
        self._targets = np.asarray(targets)[order]

    @property
    def proxy(self) -> Size:
        """The small networks that are trained."""
        return self._proxy

    def examples(self, count: int) -> np.ndarray:
        """The first of the images that rank candidates, as these see them, float32."""
        return self._checked[:count]

    def source(self, number: int, method: str) -> SupernetCells:
        """A search whose supernet sees the images that train candidates, as these see them.

        Args:
            number: of the source, from 0.
            method: a name in `METHODS`.
        """
        data = self._data
        given = Images(
            *(self._images, self._labels, data.mean, data.std, self._augmentation, self._weights)
        )
        return SupernetCells(
            self._space,
            given,
            # Some supernets let a quarter of the channels through, so that it must be a whole one.
            -(-self._proxy.channels // _DIVIDED) * _DIVIDED,
            method,
            number=number,
            seed=self._seed,
            folder=None if self._folder is None else self._folder / f"supernet_{number}",
        )

    def costs(self, genotype):
        """`parameters`, `multiply_adds` and, if asked for, `latency_ms` of the wanted network."""
        costs = self.counted(genotype)
        if self._latency:
            network = build_network(
                genotype,
                self._data.image_shape,
                self._data.num_classes,
                *self._size,
                stem=self._stem,
            )
            costs["latency_ms"] = round(latency.milliseconds(network), 4)
        return costs

    @without_grappler()
    def train(self, number, genotype, rung):
        """See `Evaluator`; `evidence` says what the score is."""
        self._forget()
        keras.utils.set_random_seed(seeds.of_trial(self._seed, number))
        proxy = self._proxy
        network = build_network(
            *(genotype, self._shape, self._data.num_classes, proxy.channels, proxy.cells),
            stem=self._small_stem,
        )
        training = Descent(network, self._weights)
        first, last = self._from(training, number, rung), halving.steps(rung, proxy.steps)
        while first < last:
            # From the beginning where the weights of the rung before are lost.
            end = min(last, max(proxy.steps, first * halving.GROWTH))
            for step in range(first, end):
                share = (step - first) / (end - first)
                rate = proxy.learning_rate * 0.5 * (1 + np.cos(np.pi * share))
                loss = training.step(*self._examples(step), tf.constant(rate, tf.float32))
            first = end
        self._keep(training, number, rung)
        checked = proxy.validation * 2 ** min(rung, _MORE_CHECKED)
        logits, targets = training.logits(self._checked[:checked]), self._targets[:checked]
        found = evidence.of_answers(logits, targets, self._weights[targets])
        return {**found, "training_loss": float(loss), "steps": last}

    def work(self, genotype, rung):
        """See `Evaluator`. What was lost and is done again does not count."""
        proxy, steps = self._proxy, halving.work(rung) * self._proxy.steps
        multiply_adds = self._trained_costs(genotype)["multiply_adds"]
        return work.NETWORK + work.training(multiply_adds, proxy.cells, steps, self._batch)

    @functools.cached_property
    def _trained_costs(self) -> CountedCosts:
        """Of the networks that are trained."""
        size = self._data.num_classes, self._proxy.channels, self._proxy.cells
        return CountedCosts(self._space, self._shape, *size)

    def _forget(self) -> None:
        """Lets go of the networks before; to look for all that is garbage takes half a second."""
        keras.utils.clear_session(free_memory=False)
        self._trained += 1
        if self._trained % _FREED_TOGETHER == 0:
            gc.collect()

    def _examples(self, step):
        """The images and labels of a step, the same for all candidates."""
        a_round = len(self._labels) // self._batch
        epoch, position = divmod(step, a_round)
        if getattr(self, "_epoch", None) != epoch:
            rng = np.random.default_rng([self._seed, epoch])
            self._epoch, self._order = epoch, rng.permutation(len(self._labels))
        chosen = self._order[position * self._batch : (position + 1) * self._batch]
        seed = tf.constant([self._seed, epoch], tf.int64)
        images = self._transform(
            tf.constant(self._images[chosen]), seed, tf.constant(position, tf.int64)
        )
        return images, tf.constant(self._labels[chosen], tf.int32)

    def _from(self, training, number, rung) -> int:
        """Takes the weights of the rung before, if there are any; returns their steps."""
        if not rung:
            return 0
        if self._folder is None:
            values = self._kept.get((number, rung - 1))
        else:
            values = self._read(self._path(number, rung - 1))
        if values is None or not training.takes(values):
            return 0
        training.assign(values)
        return halving.steps(rung - 1, self._proxy.steps)

    def _read(self, path) -> list[np.ndarray] | None:
        """The weights in a file; None where they are lost, and have to be made anew."""
        if not path.exists():
            return None
        try:
            return list(array_files.read(path).values())
        except UserError as error:
            logging.warning("%s. The candidate is trained from its beginning", error)
            return None

    def _keep(self, training, number, rung) -> None:
        values = training.values()
        if self._folder is None:
            self._kept[number, rung] = values
            self._kept.pop((number, rung - 2), None)
            return
        files.make_folder(self._folder)
        array_files.write(self._path(number, rung), values)
        # What the rung before began with: its own end is needed until this one is recorded.
        self._path(number, rung - 2).unlink(missing_ok=True)

    def _path(self, number, rung) -> pathlib.Path:
        return self._folder / f"candidate_{number}_rung_{rung}.npz"


def shrunk(images: np.ndarray, pixels: int) -> np.ndarray:
    """Images uint8 `[N, height, width, channels]` whose longer side has at most so many pixels.

    Each pixel is the mean of those that it stands for.
    """
    height, width = images.shape[1:3]
    factor = pixels / max(height, width)
    if factor >= 1:
        return images
    size = max(1, round(height * factor)), max(1, round(width * factor))
    step = max(1, _PIXELS_AT_ONCE // (height * width))
    found = [
        tf.cast(tf.round(tf.image.resize(images[i : i + step], size, "area")), tf.uint8).numpy()
        for i in range(0, len(images), step)
    ]
    return np.concatenate(found)


def _parts(data: datasets.ImageData, seed: int):
    """The images and labels that train candidates, and those that rank them."""
    training = data.train_images, data.train_labels
    if data.validation_labels is not None:
        return training, (data.validation_images, data.validation_labels)
    try:
        return datasets.split(*training, 0.8, seed)
    except UserError as error:
        what, *_ = str(error).split(": ")
        raise UserError(
            f"a fifth of the training images ranks candidates: {what}; give at least 5 training "
            "images of each class, or a validation part"
        ) from error
