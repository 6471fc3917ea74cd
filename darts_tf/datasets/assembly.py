"""From a `Source` to an `ImageData`: what is held out, what is kept, and its statistics."""

import math
import typing

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.datasets import pixels, splits
from darts_tf.datasets.image_data import ImageData
from darts_tf.datasets.source import CLASSES, LABELS, NUMBERS, ArrayReader, check_memory
from darts_tf.datasets.storage import Wanted, keep

# Of a column of numbers, relative to its mean: what float32 has lost of it is noise.
_LEAST_CHANGE = 1e-5


def _check_class_names(class_names, name):
    """A class's name is a line in `labels.txt` and what an answer of the server calls it."""
    for class_name in class_names:
        if not class_name.strip() or len(class_name.splitlines()) != 1:
            raise UserError(
                f"{name} has a class named {class_name!r}: a name must be one line of text that is "
                "not empty"
            )
        try:
            class_name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{name} has a class named {class_name!r}, which is no text in UTF-8: rename it"
            ) from error
    twice = [x for x in set(class_names) if class_names.count(x) > 1]
    if twice:
        raise UserError(f"{name} has several classes named {twice[0]!r}: give each its own name")


def assemble(source, examples, seed, storage, bad, crop=None):
    """Chooses from `source`, reads what is chosen and computes its statistics.

    Args:
        source: A `Source`.
        examples: How many training and how many other images are kept, see `load`; None for all.
        seed: Decides which.
        storage: A `Storage`.
        bad: A `BadImages`.
        crop: What share is seen of test images and of a validation part's; None for all.

    Returns:
        An `ImageData`.

    Raises:
        UserError: If the data cannot be used.
    """
    name = source.name
    _check_source(source)
    wanted = _parts(source, examples, seed)
    total = sum(len(part.indices) for part in wanted.values()) * math.prod(source.image_shape)
    if isinstance(source.read_train, ArrayReader):
        check_memory(total, name)
    parts = {}
    for part, (reader, indices, labels) in wanted.items():
        if crop is not None and part != "training":
            reader = reader.cropped(crop)
        what = Wanted(f"{name}: {part} image", reader, indices, source.image_shape)
        images, kept = keep(what, storage, bad, total)
        parts[part] = images, labels[indices[kept]]
        if source.kind == CLASSES:
            _check_left(parts[part][1], labels[indices], source.class_names, f"{name}: {part}")
    train_images, train_labels = parts["training"]
    test_images, test_labels = parts["test"]
    validation_images, validation_labels = parts.get("validation", (None, None))
    mean, std = source.statistics or pixels.mean_and_std(train_images)
    data = ImageData(
        name=name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=source.class_names,
        mean=mean,
        std=std,
        flip=source.photos,
        cutout=source.photos,
        version=source.version,
        bit_depth=source.bit_depth,
        validation_images=validation_images,
        validation_labels=validation_labels,
        left_out=tuple(bad.names),
        kind=source.kind,
        evaluation_crop=crop,
    )
    _check_columns(data)
    return data


class _Part(typing.NamedTuple):
    """Where a part of a data set comes from: of all labels there, those at some indices."""

    reader: object
    indices: np.ndarray
    labels: np.ndarray


def _parts(source, examples, seed) -> dict[str, _Part]:
    """Which images each part has, in the order in which they are read."""
    train_labels, others = source.train_labels, source.validation_labels
    train = np.arange(len(train_labels))
    validation = np.arange(0 if others is None else len(others))
    if source.test_labels is None:
        train, test = splits.hold_out(train_labels, source.name, source.class_names)
        tested = _Part(source.read_train, test, train_labels)
        logging.info(
            "%s has no test part: %d of its %d examples are held out for testing",
            source.name, len(test), len(train_labels),
        )  # fmt: skip
    else:
        test = np.arange(len(source.test_labels))
        tested = _Part(source.read_test, test, source.test_labels)
    train, validation = _chosen(source, train, validation, examples, seed)
    parts = {"training": _Part(source.read_train, train, train_labels), "test": tested}
    if source.read_validation is None:
        return parts
    return {"validation": _Part(source.read_validation, validation, others), **parts}


def _check_source(source):
    """Refuses what cannot be used, before anything is read."""
    name = source.name
    pixels.check_sides(source.image_shape[:2], name)
    if source.image_shape[2] not in (1, 3):
        raise UserError(
            f"images of {name} have {source.image_shape[2]} channels: 1 or 3 are needed"
        )
    _check_class_names(source.class_names, name)
    if source.kind == CLASSES:
        _check_classes(source)
    if source.bit_depth is not None:
        logging.info(
            "%s has images with 16 bits a channel: %d of them are used, and become 8",
            name, source.bit_depth,
        )  # fmt: skip


def _check_classes(source):
    """Refuses a single class, and says which have no training example."""
    name, present = source.name, len(np.unique(source.train_labels))
    if present < 2:
        raise UserError(f"{name} has a single class with examples: at least 2 are needed")
    if present < len(source.class_names):
        logging.warning(
            "%s: %d of its %d classes have no training example",
            name, len(source.class_names) - present, len(source.class_names),
        )  # fmt: skip


def _check_columns(data):
    """Looks whether there is something to learn of every label and every column of numbers."""
    if data.kind == LABELS:
        counts = data.train_labels.sum(axis=0)
        for label, count in zip(data.class_names, counts.tolist(), strict=True):
            if count in (0, len(data.train_labels)):
                some = "all" if count else "none"
                logging.warning(
                    "%s: %s of the training images have the label %r", data.name, some, label
                )
        if not counts.any():
            raise UserError(f"{data.name}: no training image has a label: is it the right column?")
    if data.kind == NUMBERS:
        for column, mean, deviation in zip(data.class_names, *data.scaling, strict=True):
            if not deviation > _LEAST_CHANGE * max(1e-30, abs(mean)):
                raise UserError(
                    f"{data.name}: {column!r} is {mean:g} in all training images, or hardly "
                    "changes: leave the column out, or subtract a number from it"
                )


def _chosen(source, train, validation, examples, seed):
    """Which of the training and the validation images are kept."""
    own = len(validation)
    training, others = examples
    if training is not None:
        size = _number(training, len(train))
        if not own and others is not None:
            size += _number(others, len(train))
        train = train[splits.subset(source.train_labels[train], size, seed)]
    if own and others is not None:
        size = _number(others, own)
        validation = splits.subset(source.validation_labels, size, seed)
    return train, validation


def _number(examples, count):
    """How many of `count` examples a number or a share is."""
    return round(examples * count) if isinstance(examples, float) else examples


def _check_left(labels, before, class_names, what):
    """Refuses a class of which all images were left out."""
    if len(labels) < len(before):
        for number in np.setdiff1d(before, labels):
            raise UserError(
                f"{what}: no image of class {class_names[number]!r} can be read; replace them or "
                "remove the class"
            )
