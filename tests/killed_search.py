"""A tiny search of images in processes of its own, which are killed as `kill -9` does.

Its supernet takes the pixels as a vector: a step of one that convolves takes longer to trace.
"""

import hashlib
import pathlib
import random
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from darts_tf import datasets, methods
from darts_tf.search.architecture_search import ArchitectureSearch
from tests import forks, toy

STEPS, BATCH, SIZE = 3, 4, 6


class _Reports(keras.callbacks.Callback):
    """Tells the parent process what has been reached, and goes on when that has heard it."""

    def __init__(self, pipe):
        super().__init__()
        self._pipe = pipe

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._reached(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self._reached(("step", self._epoch, batch))

    def _reached(self, event):
        self._pipe.send(event)
        self._pipe.recv()


def photos(folder) -> pathlib.Path:
    """A folder of images, of which one fifth is for testing and the others make whole batches."""
    folder, rng = pathlib.Path(folder), np.random.default_rng(0)
    for name in ("dark", "light"):
        (folder / name).mkdir(parents=True)
        for number in range(5 * STEPS * BATCH // 4):
            pixels = rng.integers(0, 256, (7, 7)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _data(images, cache_dir):
    """The two streams of a search, shuffled and augmented; from disk where there is a folder."""
    data = datasets.load(str(images), image_size=SIZE, storage=datasets.Storage(cache_dir))
    parts = datasets.split(data.train_images, data.train_labels, 0.5, 0)

    def stream(part):
        return lambda epoch: datasets.batches(
            *parts[part],
            BATCH,
            mean=data.mean,
            std=data.std,
            augmentation=datasets.Augmentation(crop_padding=1, flip=True),
            shuffle=True,
            seed=part,
            epoch=epoch,
            drop_remainder=True,
        ).map(lambda images, labels: (tf.reshape(images, [BATCH, SIZE * SIZE]), labels))

    return stream(0), stream(1)


def _search(folder, epochs, seed, data, pipe):
    keras.utils.set_random_seed(seed)
    method = methods.get("darts-v1")
    size = (SIZE * SIZE,), toy.CLASSES
    supernet = method.make_supernet(toy.SPACE, *size, channels=2, cells=1, seed=seed)
    search = ArchitectureSearch(supernet, method)
    search.fit(
        *_data(*data),
        epochs,
        callbacks=[_Reports(pipe)],
        verbose=0,
        checkpoint_dir=folder,
        checkpoint_seconds=0,
    )
    alphas, everything = (
        hashlib.sha256(b"".join(v.numpy().tobytes() for v in variables)).hexdigest()
        for variables in (
            supernet.architecture_variables,
            [
                variable
                for owner in (supernet, search.weight_optimizer, search.architecture_optimizer)
                for variable in owner.variables
            ],
        )
    )
    pipe.send(
        {
            "alphas": alphas,
            "everything": everything,
            "genotype": search.genotype().to_dict(),
            "best": search.best.to_dict(),
        }
    )


def live(folder, epochs, images, *, seed=0, cache_dir=None, halt_at=None, kill_after=None):
    """Starts the search, or goes on with it, in a process of its own.

    Args:
        folder: of its checkpoints, one a step.
        epochs: of the whole search.
        images: the folder of `photos`.
        seed: of the search.
        cache_dir: of the decoded images, from which batches are read; None keeps them in memory.
        halt_at: kill it where it has just reached this, `("epoch", e)` or `("step", e, s)`.
        kill_after: (steps, share): kill it when it has done so many steps, at least 2, and then
            that share of the time of another one, in which it saves and goes on.

    Returns:
        (events, result): what it reached, and a digest of its variables, its genotype and its
        best epoch; None if it was killed.
    """
    ours, its = forks.context.Pipe()
    data = str(images), cache_dir and str(cache_dir)
    process = forks.context.Process(target=_search, args=(str(folder), epochs, seed, data, its))
    process.start()
    its.close()
    events, times, deadline = [], [], None
    try:
        while deadline is None or ours.poll(max(0.0, deadline - time.monotonic())):
            message = ours.recv()
            if isinstance(message, dict):
                return events, message
            events.append(message)
            if message == halt_at:
                break
            if deadline is None:
                ours.send("go on")
            if message[0] == "step":
                times.append(time.monotonic())
            if kill_after and len(times) == kill_after[0] and deadline is None:
                deadline = times[-1] + kill_after[1] * (times[-1] - times[-2])
        return events, None
    except EOFError as error:
        raise AssertionError(f"the search died by itself after {events}") from error
    finally:
        process.kill()
        process.join()


def main(kills: int) -> None:
    """Kills a search so many times; raises if it does not go on or ends elsewhere."""
    # A life is 2 to 4 steps, so no kill comes too late.
    epochs, rng = 4 * kills // STEPS + 2, random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        images, cache_dir = photos(folder / "photos"), folder / "cache"
        _, whole = live(folder / "whole", epochs, images)
        print(f"uninterrupted: {epochs} epochs, {epochs * STEPS} steps", flush=True)
        for kill in range(kills):
            steps, share = rng.randint(2, 4), rng.random()
            events, result = live(
                folder / "killed", epochs, images, cache_dir=cache_dir, kill_after=(steps, share)
            )
            assert result is None
            print(f"kill {kill + 1}: from {events[0]} to {events[-1]} + {share:.2f}", flush=True)
        events, result = live(folder / "killed", epochs, images, cache_dir=cache_dir)
        assert result == whole, "the killed search has ended elsewhere"
        left = sorted(p.name for p in (folder / "killed").iterdir())
        print(f"the last life began at {events[0]} and ended as the uninterrupted search:")
        print(f"the same alphas, weights, genotype and best epoch; left in the folder: {left}")
