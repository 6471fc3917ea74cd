"""Keras callbacks that write down a search or a training."""

import io
import pathlib
import re
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf.common import array_files, files, json_text, reading
from darts_tf.common.errors import UserError
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.time_left import TimeLeft

__all__ = [
    "CheckpointEpochs",
    "EachStage",
    "MetricsLog",
    "OperationWeightsLog",
    "TensorBoard",
    "TimeLeft",
    "read_metrics",
]


# Of the metrics of a network with an auxiliary head; its losses are still called so.
_OLD_NAME = re.compile(r"^(val_)?logits_(?!loss$)")


class MetricsLog(keras.callbacks.Callback):
    """Writes the metrics of every epoch to a JSON-lines file.

    A line is `{"epoch": 1, "seconds": ..., "loss": ..., ...}`; epochs count from 1, seconds from
    the start of the run, summed over restarts. Lines of epochs that a resumed run repeats are
    replaced. A number that is not finite is null in the file and NaN in `records`.

    Args:
        path: the file.
        search: a search, to write two more values. `entropy_by_step`: cell type -> the entropy
            after each step of the epoch, summed over the edges, in nats. `step_cpu_seconds`: the
            median processor time of a step, of all threads. None for none.
    """

    def __init__(self, path, search: ArchitectureSearch | None = None):
        super().__init__()
        self._search = search
        self._path = pathlib.Path(path)
        self.records = read_metrics(path)

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()
        self._steps = []

    def on_train_batch_begin(self, batch, logs=None):
        self._step_start = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        self._steps.append(time.process_time() - self._step_start)

    def on_epoch_end(self, epoch, logs=None):
        self.records = self.records[:epoch]
        before = self.records[-1]["seconds"] if self.records else 0.0
        seconds = round(before + time.perf_counter() - self._start, 3)
        values = {name: float(value) for name, value in (logs or {}).items()}
        if self._search:
            values |= self._of_steps()
        self.records.append({"epoch": epoch + 1, "seconds": seconds, **values})
        lines = "".join(json_text.dumps(record) + "\n" for record in self.records)
        files.write(self._path, lines)

    def _of_steps(self) -> dict:
        """The entries of a search's record about its steps."""
        found = {}
        if self._steps:
            found["step_cpu_seconds"] = round(float(np.median(self._steps)), 4)
        found["entropy_by_step"] = {
            name: [round(entropy, 6) for entropy in by_step]
            for name, by_step in self._search.step_entropies.items()
        }
        return found


def read_metrics(path) -> list[dict]:
    """The records of a file that `MetricsLog` wrote; empty if there is none.

    What earlier versions called `logits_accuracy`, as Keras does, is `accuracy`.
    """
    return [
        {_OLD_NAME.sub(r"\1", name): np.nan if x is None else x for name, x in record.items()}
        for record in reading.read_json_lines(path)
    ]


class OperationWeightsLog(keras.callbacks.Callback):
    """Writes the operation weights of all epochs to an `.npz`, `[epochs, edges, operations]`.

    Epochs whose weights were lost, because the file of a search that goes on was damaged or taken
    away, are NaN, so that a row's number is that of its epoch.

    Args:
        search: the search.
        path: the file; an array for each cell type. Found again by a resumed search.
    """

    def __init__(self, search: ArchitectureSearch, path):
        super().__init__()
        self._search = search
        self._path = pathlib.Path(path)

    def on_epoch_end(self, epoch, logs=None):
        now = self._search.operation_weights()
        before = self.read() if epoch else {}
        mixture = {
            name: _stacked(_earlier(before.get(name, ()), epoch, value.shape), value)
            for name, value in now.items()
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **mixture)
        files.write(self._path, buffer.getvalue())

    def read(self) -> dict[str, np.ndarray]:
        """The weights written so far; empty before the first epoch, and where they are lost."""
        if not self._path.exists():
            return {}
        try:
            return array_files.read(self._path)
        except UserError as error:
            logging.warning("%s. What it said of earlier epochs is lost", error)
            return {}


def _earlier(found, epochs, shape) -> list[np.ndarray]:
    """The matrices of so many epochs, NaN for those that are not there any more."""
    known = list(found[:epochs])
    return [np.full(shape, np.nan, np.float32)] * (epochs - len(known)) + known


def _stacked(earlier, now) -> np.ndarray:
    """Matrices in one array; the smaller ones, of a supernet that has grown since, with zeros."""
    arrays = [*earlier, now]
    shape = np.max([a.shape for a in arrays], axis=0)
    behind = [[(0, n - m) for m, n in zip(a.shape, shape, strict=True)] for a in arrays]
    return np.stack([np.pad(a, width) for a, width in zip(arrays, behind, strict=True)])


class TensorBoard(keras.callbacks.Callback):
    """Writes the metrics of every epoch to TensorBoard.

    Keras' callback of this name wants a compiled model, which a supernet is not.

    Args:
        directory: the log folder.
        search: a search, to write histograms of its operation weights and the entropy after every
            step too; None for none.
    """

    def __init__(self, directory, search: ArchitectureSearch | None = None):
        super().__init__()
        self._search = search
        self._directory = directory
        with files.named(directory):
            self._writer = tf.summary.create_file_writer(str(directory))

    def on_epoch_end(self, epoch, logs=None):
        with files.named(self._directory):
            self._write(epoch, logs)

    def _write(self, epoch, logs):
        with self._writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, value)
            if self._search:
                self._write_operation_weights()
                self._write_entropies(epoch)
        self._writer.flush()

    def _write_entropies(self, epoch):
        for cell_type, by_step in self._search.step_entropies.items():
            for i, entropy in enumerate(by_step, start=1):
                step = epoch * len(by_step) + i
                tf.summary.scalar(f"entropy_by_step/{cell_type}", entropy, step=step)

    def _write_operation_weights(self):
        operations = self._search.supernet.space.operations
        for cell_type, mixture in self._search.operation_weights().items():
            for k, operation in enumerate(operations):
                tf.summary.histogram(f"{cell_type}/{operation}", mixture[:, k])


class EachStage(keras.callbacks.Callback):
    """Callbacks that every stage of a search has anew, and that count its epochs from 0.

    Args:
        search: the search.
        make: from the number of a stage, counted from 0, to its callbacks; called when it begins.

    Attributes:
        callbacks: of the stage that the search is in; empty before the first one.
    """

    def __init__(self, search: ArchitectureSearch, make: Callable):
        super().__init__()
        self._search = search
        self._make = make
        self._calls = None
        self.callbacks: list[keras.callbacks.Callback] = []

    def on_train_begin(self, logs=None):
        self.callbacks = list(self._make(self._search.stage))
        epochs = self.params["epochs"] // len(self._search.stages)
        self._calls = keras.callbacks.CallbackList(
            self.callbacks, model=self.model, **{**self.params, "epochs": epochs}
        )
        self._calls.on_train_begin(logs)

    def set_model(self, model):
        super().set_model(model)
        if self._calls is not None:
            self._calls.set_model(model)

    def on_epoch_begin(self, epoch, logs=None):
        self._calls.on_epoch_begin(epoch - self._search.first_epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._calls.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self._calls.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._calls.on_epoch_end(epoch - self._search.first_epoch, logs)

    def on_train_end(self, logs=None):
        self._calls.on_train_end(logs)


class CheckpointEpochs(keras.callbacks.Callback):
    """Writes a checkpoint after every epoch.

    Args:
        checkpoints: where to.
    """

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self._checkpoints = checkpoints

    def on_epoch_end(self, epoch, logs=None):
        self._checkpoints.save(epoch + 1)
