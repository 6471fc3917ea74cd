"""Searches that tests go through: of images, and of vectors, whose steps take less time."""

import functools

import keras
import numpy as np
import tensorflow as tf

from darts_tf import methods
from darts_tf.schedules.transitions import Grow, ReturnToBest
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet
from tests import toy

EPOCHS, STEPS, BATCH = 4, 3, 4


def data(part, epoch, examples=STEPS * BATCH):
    """Batches that depend on the epoch, as augmented ones do."""
    rng = np.random.default_rng([part, epoch])
    images = rng.normal(size=(examples, 6, 6, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)


TRAIN, VALIDATION = functools.partial(data, 0), functools.partial(data, 1)


def make(space, method="darts-v1", seed=0, start=0, **kwargs):
    keras.utils.set_random_seed(seed + start)
    relaxation = methods.get(method).relaxation if isinstance(method, str) else method.relaxation
    supernet = Supernet(space, (6, 6, 1), 2, channels=2, cells=3, seed=seed, relaxation=relaxation)
    return ArchitectureSearch(supernet, method, **kwargs)


TOY_TRAIN, TOY_VALIDATION = (
    functools.partial(toy.data, part, examples=STEPS * BATCH, batch=BATCH) for part in (0, 1)
)


def make_toy(method="darts-v1", seed=0, start=0, **kwargs):
    """A search of vectors; arguments as for `make`."""
    keras.utils.set_random_seed(seed + start)
    method = methods.get(method)
    return ArchitectureSearch(toy.make(method, seed=seed), method, **kwargs)


def state(search):
    """All numbers that a search goes on from."""
    return [
        variable.numpy()
        for owner in (search.supernet, search.weight_optimizer, search.architecture_optimizer)
        for variable in owner.variables
    ]


def assert_same(left, right):
    assert len(left) == len(right)
    for x, y in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, y)


class Recorder(keras.callbacks.Callback):
    """Writes down every call; `stop_after` an epoch, or `interrupt` a search after a step."""

    def __init__(self, stop_after=None, interrupt=None):
        super().__init__()
        self.calls, self.logs = [], []
        self._stop_after, self._interrupt = stop_after, interrupt

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")
        self.logs.append(dict(logs))
        if epoch == self._stop_after:
            self.model.stop_training = True

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} end")
        if self._interrupt and f"epoch {self._interrupt[1]} begin" in self.calls:
            self._interrupt[0].stop()


class Program:
    """Orders what it is told to, by the epoch."""

    memory = 1
    eigenvalue_every = 0
    orders = (Grow, ReturnToBest)

    def __init__(self, orders):
        self._orders = orders

    def __call__(self, observations, epochs, space):
        return self._orders.get(observations[-1].epoch, ())
