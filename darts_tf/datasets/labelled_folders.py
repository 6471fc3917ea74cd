"""A folder of images with a table that says what is known of each, `labels.csv`."""

import os

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.datasets import file_reader, folders, label_files
from darts_tf.datasets.source import LABELS, Source
from darts_tf.datasets.storage import BadImages

_WHAT = {LABELS: "labels", "numbers": "numbers"}


def labelled_source(path, kind: str, image_size, bad: BadImages, columns=None) -> Source:
    """Lists the images of a table, or of those of the splits.

    That is `FOLDER/labels.csv`, or `metadata.csv`, with the names of files in `FOLDER` or below it;
    `FOLDER/train/labels.csv`, perhaps `FOLDER/val/labels.csv` and `FOLDER/test/labels.csv`, as
    `folders` names splits; or any such file by its own name. What it holds is said at
    `label_files.read`; images are read as those of `folders` are.

    Args:
        path: the folder, or the file.
        kind: of the labels, see `ImageData`.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.
        bad: gets files that are missing or no images.
        columns: the names of the table's columns that are used; None for all.

    Raises:
        UserError: there is no table, it has another form, or an image cannot be read.
    """
    files, labels, names = {}, {}, ()
    tables = _tables(path, kind)
    for split, table in tables.items():
        found = label_files.read(table, kind, columns)
        # In a column of names rare labels may be missing from a split.
        fits = {*found.names} <= {*names} if kind == LABELS else {*found.names} == {*names}
        if names and not fits:
            other = sorted({*names} ^ {*found.names})[0]
            raise UserError(
                f"{table} and {tables['train']} have other {_WHAT[kind]}, such as {other!r}: all "
                "splits must have the same"
            )
        names = names or found.names
        values = np.zeros((len(found.files), len(names)), found.values.dtype)
        values[:, [names.index(name) for name in found.names]] = found.values
        for number, name in enumerate(found.files):
            own = split or _split(table, found, number)
            files.setdefault(own, []).append(os.path.join(os.path.dirname(table), name))
            labels.setdefault(own, []).append(values[number])
    if not files.get("train"):
        raise UserError(f"{path} has no training image: the column split names none train")
    folder = path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))
    found = file_reader.look(folder, files, labels, image_size, bad)
    if not labels["train"]:
        raise UserError(f"{path}: none of the training images can be read")
    tensors = {split: np.array(rows) for split, rows in labels.items() if rows}
    return Source(
        name=os.path.basename(os.path.abspath(folder)),
        class_names=names,
        image_shape=found.image_shape,
        photos=False,
        train_labels=tensors["train"],
        read_train=found.readers["train"],
        test_labels=tensors.get("test"),
        read_test=found.readers["test"] if "test" in tensors else None,
        bit_depth=found.bit_depth,
        validation_labels=tensors.get("validation"),
        read_validation=found.readers["validation"] if "validation" in tensors else None,
        kind=kind,
    )


def _tables(path, kind) -> dict[str, str]:
    """Split -> its table; "" for one of all images."""
    if not os.path.isdir(path):
        return {"": os.fspath(path)}
    if table := _in_folder(path):
        return {"": table}
    splits = {
        split: table
        for split, folder in folders.splits_of(path).items()
        if (table := _in_folder(folder))
    }
    if "train" in splits:
        return splits
    raise UserError(
        f"{path} has no {' and no '.join(label_files.NAMES)}: for {_WHAT[kind]} give a table whose "
        "first column is the name of the image's file"
    )


def _in_folder(folder) -> str | None:
    paths = (os.path.join(folder, name) for name in label_files.NAMES)
    found = [path for path in paths if os.path.exists(path)]
    if len(found) > 1:
        logging.warning("%s is not used: there is %s", found[1], found[0])
    return found[0] if found else None


def _split(table, found: label_files.Labelled, number: int) -> str:
    """The split of an image in a table of all."""
    if found.splits is None:
        return "train"
    word = found.splits[number]
    if word.lower() not in folders.SPLITS:
        raise UserError(
            f"{table}: the split of {found.files[number]!r} is {word!r:.60}; expected "
            f"{', '.join(folders.SPLITS)}"
        )
    return folders.SPLITS[word.lower()]


def sample(path, count: int) -> list[bytes]:
    """Reads some of the image files of a table, far from each other.

    Raises:
        UserError, OSError: they cannot be read.
    """
    names = [
        os.path.join(os.path.dirname(table), name)
        for table in _tables(path, LABELS).values()
        for name in label_files.files_of(table)
    ]
    step = -(-len(names) // count)
    found = []
    for name in names[::step]:
        with open(name, "rb") as file:
            found.append(file.read())
    return found
