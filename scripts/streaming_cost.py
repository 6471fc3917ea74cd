"""Memory and waiting of a search whose images are read from disk, for several numbers of images.

    python -m scripts.streaming_cost --folder=/var/tmp/photos --images=6000,60000 --image_size=128

makes a folder of JPEG files, once, decodes them into a cache on disk, and searches for some steps
in a new process for each number: peak memory, the time to decode, and how long a step waits for its
batches. A second line of each number is of a start that finds the cache.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np
from absl import flags
from PIL import Image

from darts_tf import datasets
from darts_tf.benchmark.measurement import Stopwatch
from darts_tf.benchmark.workloads import Laps, measurement_of
from darts_tf.common.seeds import of_stream
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet
from train import program

_FOLDER = flags.DEFINE_string("folder", None, "Where images and cache are made.")
_IMAGES = flags.DEFINE_list("images", ["6000", "60000"], "Numbers of images.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 128, "Height and width of the decoded images.")
_CHANNELS = flags.DEFINE_integer("channels", 4, "Of the supernet.")
_CELLS = flags.DEFINE_integer("cells", 3, "Of the supernet.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "Images of a batch.")
_STEPS = flags.DEFINE_integer("steps", 20, "Steps to measure.")
_IN_MEMORY = flags.DEFINE_bool("in_memory", False, "Keep the images in memory instead.")
_ONE = flags.DEFINE_integer("one", None, "Measure this number in this process.")
_CLASSES = 10
# Different pictures; the others are copies of them under other names.
_PICTURES = 400


def main() -> None:
    """Measures every number in a process of its own."""
    if _ONE.value is not None:
        print(json.dumps(_measure(_ONE.value)))
        return
    folder = pathlib.Path(_FOLDER.value)
    for count in map(int, _IMAGES.value):
        _make(folder / str(count), count)
        for start in ("first", "next"):
            words = [*sys.argv[1:], f"--one={count}"]
            done = subprocess.run(
                [sys.executable, "-m", "scripts.streaming_cost", *words],
                check=True,
                capture_output=True,
                text=True,
            )
            print(f"{count:,} images, {start} start: {done.stdout.splitlines()[-1]}", flush=True)


def _make(folder, count) -> None:
    """Smooth pictures with noise, of which a JPEG is as large as one of a photograph."""
    if (folder / "made").exists():
        return
    random, encoded = np.random.RandomState(0), []
    scratch = folder / "scratch.jpg"
    for number in range(_CLASSES):
        (folder / "photos" / str(number)).mkdir(parents=True, exist_ok=True)
    for _ in range(_PICTURES):
        coarse = Image.fromarray(random.randint(0, 256, (6, 8, 3)).astype(np.uint8))
        picture = np.asarray(coarse.resize((200, 150), Image.Resampling.BICUBIC)).astype(int)
        picture = np.clip(picture + random.randint(-12, 13, picture.shape), 0, 255)
        Image.fromarray(picture.astype(np.uint8)).save(scratch, quality=85)
        encoded.append(scratch.read_bytes())
    scratch.unlink()
    for number in range(count):
        path = folder / "photos" / str(number % _CLASSES) / f"{number:06}.jpg"
        path.write_bytes(encoded[number % _PICTURES])
    (folder / "made").touch()


def _measure(count) -> dict:
    folder = pathlib.Path(_FOLDER.value) / str(count)
    started, cpu = time.perf_counter(), time.process_time()
    data = datasets.load(
        str(folder / "photos"),
        image_size=_IMAGE_SIZE.value,
        storage=None if _IN_MEMORY.value else datasets.Storage(folder / "cache"),
    )
    data.description()
    loaded, loaded_cpu = time.perf_counter() - started, time.process_time() - cpu
    parts = datasets.split(data.train_images, data.train_labels, 0.5, 0)
    held = _peak()

    def stream(number):
        return lambda epoch: datasets.batches(
            *parts[number],
            _BATCH_SIZE.value,
            mean=data.mean,
            std=data.std,
            augmentation=datasets.Augmentation.suited_to(data),
            shuffle=True,
            seed=of_stream(0, number),
            epoch=epoch,
            drop_remainder=True,
        )

    supernet = Supernet(
        "darts_cnn", data.image_shape, data.num_classes, _CHANNELS.value, _CELLS.value
    )
    search = ArchitectureSearch(supernet, "darts-v1")
    stopwatch = Stopwatch(_STEPS.value, 1, 1)
    laps = Laps(stopwatch, search.stop)
    search.fit(stream(0), stream(1), callbacks=[laps], verbose=0)
    measured = measurement_of(stopwatch, supernet, stopwatch.data_wait_seconds)
    waits, steps = sum(measured.data_wait_seconds), sum(measured.step_seconds)
    return {
        "peak_gb": round(_peak() / 1e9, 3),
        "peak_after_loading_gb": round(held / 1e9, 3),
        "decoded_gb": round(count * np.prod(data.image_shape) / 1e9, 3),
        "load_seconds": round(loaded, 1),
        "load_cpu_seconds": round(loaded_cpu, 1),
        "step_seconds": round(steps / len(measured.step_seconds), 3),
        "waits_percent": round(100 * waits / steps, 2),
        "cores": os.cpu_count(),
    }


def _peak() -> int:
    """The largest resident memory of this process so far, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    program.run(main)
