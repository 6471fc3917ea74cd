"""The images of a trial of `ArchitectureTuner`."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf import datasets, tasks
from darts_tf.common import files, seeds
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import refuse_endless
from darts_tf.datasets.fingerprint import hash_array
from darts_tf.tuner.halves import halves

Batches = Callable[[int], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class SearchData:
    """Batches of (images, labels), as functions from the number of the epoch where it matters.

    Args:
        halves: those that the search trains the weights with, and those for the alphas; no example
            should be in both.
        batches: those that train the derived network.
        validation: what scores the derived network.
        hashes: of the arrays that these come from, by what they are called to the user. None for
            data sets, which cannot be told from others.
        task: what the batches are of, see `darts_tf.tasks`. Default: the classification of images.

    Raises:
        UserError: there is no whole batch in a half, data have no end, or labels of a
            classification are not integers `[batch]`.
    """

    halves: tuple[Batches, Batches]
    batches: Batches
    validation: tf.data.Dataset
    hashes: dict[str, str] | None = None
    task: tasks.Task | str | None = None

    def __post_init__(self):
        labelled = isinstance(tasks.get(self.task), tasks.ImageClassification)
        batched = [batches(0) for batches in (*self.halves, self.batches)]
        for name, data in zip(
            ("the weights' half", "the alphas' half", "the training data", "the validation data"),
            (*batched, self.validation),
            strict=True,
        ):
            if labelled:
                _check_labels(name, data)
            refuse_endless(f"batches of {name}", data)
        if any(int(data.cardinality()) == 0 for data in batched[:2]):
            raise UserError(
                "half of the training images hold no whole batch; give more images or a smaller "
                "batch size"
            )

    @classmethod
    def of(
        cls, x, y, validation, batch_size: int, seed: int, num_classes: int | None = None
    ) -> "SearchData":
        """From arrays or data sets: the arguments of `ArchitectureTuner.search`.

        Args:
            x, y, validation, batch_size: see there.
            seed: of the halves and of the order of arrays.
            num_classes: labels of arrays must be less; None for any.

        Raises:
            UserError: labels are none of these classes, or one-hot, or text; see `halves` too.
        """
        if validation is None:
            raise UserError("validation_data are missing; they score the derived networks")
        hashes = {}
        if isinstance(x, tf.data.Dataset):
            if y is not None:
                raise UserError("y was given beside a data set, which has its own labels; leave it")
            data = _flat_labels("the training data", x)
            streams = tuple(lambda epoch, half=half: half for half in halves(data, seed))

            def batches(epoch):
                return data
        else:
            x, y = np.asarray(x), _integers("y", y, len(x), num_classes)
            streams = tuple(
                _shuffled(*half, batch_size, seeds.of_stream(seed, i))
                for i, half in enumerate(datasets.split(x, y, 0.5, seed))
            )
            batches = _shuffled(x, y, batch_size, seed)
            hashes |= {"x": hash_array(x), "y": _hash_labels(y)}
        if isinstance(validation, tf.data.Dataset):
            validation = _flat_labels("the validation data", validation)
        else:
            if not isinstance(validation, tuple | list) or len(validation) != 2:
                raise UserError(
                    "validation_data are no pair of arrays (images, labels) and no data set of "
                    "batches; give one of these, without weights"
                )
            images, labels = map(np.asarray, validation)
            labels = _integers("the labels of validation_data", labels, len(images), num_classes)
            validation = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
            hashes |= {"validation_data": hash_array(images) + _hash_labels(labels)}
        return cls(streams, batches, validation, hashes or None)

    def refuse_other(self, folder) -> None:
        """Refuses to go on in a tuner's folder with other arrays than those that it began with.

        Args:
            folder: of the tuner; `data.json` there keeps the hashes.

        Raises:
            UserError: names the array.
        """
        if self.hashes is None:
            return
        path, hashes = pathlib.Path(folder) / "data.json", self.hashes
        try:
            before = json.loads(path.read_text())
        except (OSError, ValueError):
            if any(path.parent.glob("trial_*/trial.json")):
                logging.info("%s is compared with no earlier data: it kept no hashes", folder)
            before = {}
        for name in before.keys() & hashes.keys():
            if before[name] != hashes[name]:
                raise UserError(
                    f"{name} is another array than that of the trials in {folder}; bring it back "
                    "to go on with them, or give another directory, or overwrite=True"
                )
        if before != (now := {**before, **hashes}):
            files.write(files.make_folder(path.parent) / path.name, json.dumps(now) + "\n")


def _hash_labels(labels) -> str:
    # Of any kind of integers they are the same.
    return hash_array(labels.astype(np.int64))


def _shuffled(images, labels, batch_size, seed) -> Batches:
    """Batches in an order that depends on the seed and the epoch alone."""

    def batches(epoch):
        data = tf.data.Dataset.from_tensor_slices((images, labels))
        data = data.shuffle(len(labels), seed=seeds.of_epoch(seed, epoch))
        return data.batch(batch_size, drop_remainder=True)

    return batches


def _integers(name, labels, count, num_classes):
    """Labels of arrays as integers `[N]`."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        _refuse(name, labels.dtype.name, list(labels.shape))
    if len(labels) != count:
        raise UserError(f"{name} has {len(labels)} labels for {count} images; give one an image")
    if len(labels) and not 0 <= labels.min() <= labels.max() < (num_classes or np.inf):
        raise UserError(
            f"{name} holds labels from {labels.min()} to {labels.max()}; expected 0 to "
            f"{num_classes - 1 if num_classes else 'the number of classes less 1'}"
        )
    return labels


def _flat_labels(name, data):
    """Labels `[B, 1]` as `[B]`; a data set of anything but `(images, labels)` is refused."""
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise UserError(f"{name} have elements {spec}; expected batches of (images, labels)")
    if spec[1].shape.rank == 2 and spec[1].shape[1] == 1:
        data = data.map(lambda images, labels: (images, labels[:, 0]))
    _check_labels(name, data)
    return data


def _check_labels(name, data) -> None:
    labels = data.element_spec[1]
    if labels.shape.rank not in (1, None) or not labels.dtype.is_integer:
        _refuse(f"the labels of {name}", labels.dtype.name, labels.shape.as_list())


def _refuse(name, dtype, shape):
    hint = ""
    if len(shape) == 2:
        hint = "; of one-hot labels give argmax(axis=-1)"
    elif dtype.startswith(("str", "object", "bytes")):
        hint = "; of text give numpy.unique(labels, return_inverse=True)[1]"
    raise UserError(
        f"{name} have type {dtype} and shape {shape}; expected integers, one an image{hint}"
    )
