"""How long layers and networks take on this device."""

import json
import math
import time

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.costs import counted


class Latencies:
    """Milliseconds of layers on one device, measured once and kept in a file.

    A measured time is never the same twice, so a search takes its latencies from a file: the same
    seed and the same file give the same result.

    Args:
        milliseconds: "layer, input shape" -> milliseconds a batch.
        batch_size: examples in a batch.
        device: what it was measured on, for the reader.
    """

    def __init__(self, milliseconds=None, batch_size: int = 1, device: str = ""):
        self.milliseconds = dict(milliseconds or {})
        self.batch_size = batch_size
        self.device = device

    def measure(self, key, make, shape) -> float:
        """Looks a layer up.

        Raises:
            UserError: the file has no such layer.
        """
        entry = self._entry(key, shape)
        if entry not in self.milliseconds:
            raise UserError(
                f"the latency table has no entry {entry!r}; measure one for this space and size "
                "with python -m train.latency"
            )
        return self.milliseconds[entry]

    def measure_now(self, key, make, shape) -> float:
        """Times a layer on this device and remembers it."""
        value = milliseconds(counted.model_of(make, shape), self.batch_size)
        self.milliseconds[self._entry(key, shape)] = value
        return value

    @staticmethod
    def _entry(key, shape) -> str:
        return f"{key}, input {'x'.join(map(str, shape))}"

    def save(self, path) -> None:
        """Writes the table as JSON."""
        data = {
            "device": self.device,
            "batch_size": self.batch_size,
            "milliseconds": self.milliseconds,
        }
        files.write(path, json.dumps(data, indent=2) + "\n")

    @classmethod
    def load(cls, path) -> "Latencies":
        """Reads a file that `save` wrote, and logs what it holds.

        Raises:
            UserError: it is missing or no such table, or a time is negative or not finite.
        """
        try:
            data = reading.read_json(path)
            numbers = {key: float(value) for key, value in data["milliseconds"].items()}
            for key, value in numbers.items():
                if not 0 <= value < math.inf:
                    raise ValueError(f"{key!r} takes {value} ms, expected a number from 0")
            found = cls(numbers, int(data["batch_size"]), str(data["device"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"cannot read the latency table {str(path)!r}: {error}; python -m train.latency "
                "writes one"
            ) from error
        logging.info(
            "%s: milliseconds of %d layers, in batches of %d, measured on %s",
            path,
            len(numbers),
            found.batch_size,
            found.device or "a device without a name",
        )
        return found


def milliseconds(model: keras.Model, batch_size: int = 1, seconds: float = 0.2) -> float:
    """The time of one inference of a model on this device: the least of several medians.

    Each is that of five inferences, one after the other, because other work on the machine slows
    some of them down, and none is faster for it.

    Args:
        model: a functional model.
        batch_size: examples at once.
        seconds: how long to repeat it, at least 15 times, after one run that is not counted.
    """
    examples = tf.zeros((batch_size, *model.inputs[0].shape[1:]))
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    _ready(call(examples))

    def timed() -> float:
        start = time.perf_counter()
        _ready(call(examples))
        return time.perf_counter() - start

    parts = []
    while len(parts) < 3 or np.sum(parts) < seconds:
        parts.append([timed() for _ in range(5)])
    return 1e3 * float(np.median(parts, axis=1).min())


def _ready(outputs) -> None:
    """Waits until the device has computed the outputs."""
    tf.nest.map_structure(lambda x: x.numpy(), outputs)
