"""A folder with one folder of images for each class."""

import collections
import itertools
import os
from pathlib import Path

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.datasets import file_reader, image_files
from darts_tf.datasets.source import Source
from darts_tf.datasets.storage import BadImages

#: What folders of splits are called, in lower case.
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def folder_source(path, image_size, bad=None):
    """Lists `FOLDER/class/*.png`, or `FOLDER/train/class/*.png` and the same of other splits.

    The splits are `train` or `training`, `val`, `valid`, `validation` or `dev`, and `test` or
    `testing`, in upper or lower case. All files are read that end as `image_files.extensions` says,
    and as `image_files` says; whatever begins with a dot is ignored, and of what else is left out
    the log has a count. Grey images keep one channel; where some are in colour all get three.

    Args:
        path: The folder.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.
        bad: A `BadImages`, which gets files without a header of an image; None where none may be
            left out.

    Returns:
        A `Source` that reads the images when it is asked for them.

    Raises:
        UserError: If the folder has another structure, fewer than two classes, a class without
            images, or an image that cannot be read.
    """
    splits = _splits(path)
    class_names = _class_names(splits["train"])
    files = {split: [] for split in splits}
    labels = {split: [] for split in splits}
    left_out = collections.Counter()
    for split, folder in splits.items():
        for name in _class_names(folder):
            if name not in class_names:
                raise UserError(
                    f"{folder} has a class {name!r} that {splits['train']} has not: remove it or "
                    "add training images"
                )
            found, others = _files(os.path.join(folder, name))
            if not found:
                raise UserError(
                    f"class folder {os.path.join(folder, name)} has no image"
                    f"{f' (left out: {_counted(others)})' if others else ''}: add images that end "
                    "in .png, .jpg, .tif, .webp, .bmp, .gif or as other types that Pillow reads, "
                    "or remove the folder"
                )
            left_out.update(others)
            files[split] += found
            labels[split] += [class_names.index(name)] * len(found)
    if left_out:
        logging.warning("%s: left out: %s", path, _counted(left_out))
    found = file_reader.look(path, files, labels, image_size, bad or BadImages())
    numbered = {split: np.array(values, np.int32) for split, values in labels.items()}
    return Source(
        name=os.path.basename(os.path.abspath(path)),
        class_names=tuple(class_names),
        image_shape=found.image_shape,
        photos=False,
        train_labels=numbered["train"],
        read_train=found.readers["train"],
        test_labels=numbered.get("test"),
        read_test=found.readers.get("test"),
        bit_depth=found.bit_depth,
        validation_labels=numbered.get("validation"),
        read_validation=found.readers.get("validation"),
    )


def sample(path, count):
    """Reads some image files of a folder of images by class: of every ending, and of all classes.

    Args:
        path: The folder, as for `folder_source`.
        count: How many at most.

    Returns:
        A list of their bytes.

    Raises:
        UserError: If the folder has another structure.
        OSError: If a file cannot be read.
    """
    endings = collections.defaultdict(list)
    for folder in _splits(path).values():
        for name in _class_names(folder):
            for file in _files(os.path.join(folder, name))[0]:
                endings[os.path.splitext(file)[1].lower()].append(file)
    # One of every ending in turn, far from each other.
    apart = [files[:: -(-len(files) // count)] for files in endings.values()]
    chosen = [file for turn in itertools.zip_longest(*apart) for file in turn if file]
    return [Path(file).read_bytes() for file in chosen[:count]]


def splits_of(path):
    """Returns the folders of a folder that are named as splits are, by split, training first."""
    named = [(split, name) for name in _folders(path) if (split := SPLITS.get(name.lower()))]
    folders = {split: os.path.join(path, name) for split, name in reversed(named)}
    return {split: folders[split] for split in dict.fromkeys(SPLITS.values()) if split in folders}


def names_in(path):
    """Returns the names of the folders in a folder, sorted; hidden ones are left out."""
    return _folders(path)


def _splits(path):
    """Returns `{"train": folder}`, with `"validation"` and `"test"` where there are such."""
    folders = _folders(path)
    named = [(split, name) for name in folders if (split := SPLITS.get(name.lower()))]
    splits = dict(reversed(named))
    train = os.path.join(path, splits.get("train", "train"))
    # Without folders of its own, "train" may be a class: that of railway trains.
    if "train" in splits and _folders(train):
        for split, name in named:
            if splits[split] != name:
                raise UserError(
                    f"{path} has both {splits[split]} and {name}: put all {split} images into one"
                )
        unused = [name for name in folders if name not in splits.values()]
        if unused:
            logging.warning("%s: folders that are not used: %s", path, ", ".join(unused))
        order = [split for split in ("train", "validation", "test") if split in splits]
        return {split: os.path.join(path, splits[split]) for split in order}
    if len(named) == len(folders) > 1 and "train" in splits:
        raise UserError(
            f"{train} has no folders of images: expected one folder for each class, such as "
            f"{os.path.join(train, 'cat', '1.png')}"
        )
    return {"train": path}


def _folders(path):
    with os.scandir(path) as entries:
        return sorted(item.name for item in entries if item.is_dir() and item.name[0] != ".")


def _files(path):
    """Returns the image files in a folder, sorted, and the endings of the others, counted."""
    found, others = [], collections.Counter()
    with os.scandir(path) as entries:
        for item in entries:
            ending = os.path.splitext(item.name)[1].lower()
            if item.name[0] == ".":
                continue
            if item.is_dir():
                others["/"] += 1
            elif item.is_file() and ending in image_files.extensions():
                found.append(item.path)
            else:
                others[ending] += 1
    return sorted(found), others


def _counted(left_out):
    """Returns what was left out, as a phrase."""
    words = []
    for ending, count in left_out.most_common():
        if ending == "/":
            words.append(f"{count} folder{'s' * (count > 1)} in class folders (not looked into)")
        else:
            what = f"{count} {ending or 'without ending'}"
            words.append(f"{what} ({image_files.why_left_out(ending)})")
    return ", ".join(words)


def _class_names(folder):
    names = _folders(folder)
    if not names:
        raise UserError(
            f"{folder} has no folders of images: expected one folder for each class, such as "
            f"{os.path.join(folder, 'cat', '1.png')}"
        )
    return names
