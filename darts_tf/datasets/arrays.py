"""Arrays in memory or in an `.npz` file as a data set."""

import os
import zipfile
import zlib

import numpy as np
from absl import logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError, reason
from darts_tf.datasets import image_files, pixels
from darts_tf.datasets.source import ArrayReader, Source, check_memory

_KEYS = ("x_train", "y_train", "x_test", "y_test", "class_names", "x_val", "y_val")
# What messages call the splits.
_SPLIT_NAMES = {"train": "training", "test": "test", "val": "validation"}
# What arrays of a validation split are called too.
_OTHER_KEYS = {f"{x}_{name}": f"{x}_val" for x in "xy" for name in ("valid", "validation", "dev")}


def npz_source(path, image_size):
    """Opens an `.npz` with `x_train` and `y_train`, and perhaps more.

    That is `x_val`, `y_val` (or `x_validation` and so on), `x_test`, `y_test` and `class_names`.

    Args:
        path: The file.
        image_size: `(height, width)` to resize to, or None.

    Returns:
        A `Source`; what the arrays must hold is said at `array_source`.

    Raises:
        UserError: If the file cannot be read or the arrays cannot be used.
    """
    try:
        reading.check_regular(path)
        with zipfile.ZipFile(path) as archive:
            check_memory(sum(item.file_size for item in archive.infolist()), path)
        with np.load(path, allow_pickle=False) as file:
            named = {_OTHER_KEYS.get(key, key): key for key in reversed(list(file))}
            arrays = {key: file[named[key]] for key in _KEYS if key in named}
            unknown = [key for key in file if named.get(_OTHER_KEYS.get(key, key)) != key]
            unknown += [key for key in named if key not in _KEYS]
    except UserError:
        raise
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        hint = "store text as str, not as objects" if "pickle" in str(error) else "write it anew"
        raise UserError(f"cannot read {path} as an .npz file ({reason(error)}): {hint}") from error
    missing = [key for key in _KEYS[:2] if key not in arrays]
    if missing:
        raise UserError(
            f"{path} has no array {' and no array '.join(missing)} (it has "
            f"{', '.join([*arrays, *unknown]) or 'none'}): give x_train and y_train, and perhaps "
            "x_val, y_val, x_test, y_test and class_names"
        )
    if unknown:
        logging.warning("%s: arrays that are not used: %s", path, ", ".join(unknown))
    name = os.path.splitext(os.path.basename(path))[0]
    return array_source(arrays, name=name, image_size=image_size)


def array_source(arrays, *, name, image_size=None):
    """Checks arrays and makes a `Source` of them.

    Args:
        arrays: A mapping; what is missing may be None, too:

            * `x_train`: images of shape `[N, H, W]` (one channel) or `[N, H, W, C]`, C being 1, 3,
              or 4 for colour and alpha, which is laid over white. uint8, floats in [0, 1], or
              uint16, of which as many bits count as the largest value in all arrays needs;
            * `y_train`: labels of shape `[N]` or `[N, 1]`: integers from 0 to K - 1, or text;
            * `x_test`, `y_test` and `x_val`, `y_val`: the same for testing and for validation, or
              neither;
            * `class_names`: K names. By default the numbers, or the texts in alphabetical order.
        name: The data set's name.
        image_size: `(height, width)` to resize to, or None.

    Returns:
        A `Source`.

    Raises:
        UserError: If the arrays cannot be used.
    """
    given = {key: arrays.get(key) for key in _KEYS}
    class_names = given["class_names"]
    images, labels = {}, {}
    bit_depth = _bit_depth(*(given[f"x_{split}"] for split in _SPLIT_NAMES))
    for split in _SPLIT_NAMES:
        x, y = given[f"x_{split}"], given[f"y_{split}"]
        if (x is None) != (y is None):
            raise UserError(f"{name} has only one of x_{split} and y_{split}: give both or neither")
        if x is None:
            continue
        images[split] = _images(x, f"{name}: x_{split}", bit_depth)
        labels[split] = _labels(y, f"{name}: y_{split}", len(images[split]))
        compared = slice(3 if image_size else 1, None)
        if images[split].shape[compared] != images["train"].shape[compared]:
            raise UserError(
                f"{name}: training images are {_size(images['train'])} but {_SPLIT_NAMES[split]} "
                f"images are {_size(images[split])}: all must have one size and as many channels"
            )
    if class_names is not None:
        class_names = [str(value) for value in np.asarray(class_names).ravel()]
        if len(set(class_names)) < len(class_names):
            raise UserError(f"{name}: class_names has a name twice: give every class its own name")
    encode = _text_classes if labels["train"].dtype.kind == "U" else _integer_classes
    labels, class_names = encode(labels, class_names, name)
    images = {split: pixels.resize_all(value, image_size) for split, value in images.items()}
    read = {split: ArrayReader(value) for split, value in images.items()}
    return Source(
        name=name,
        class_names=tuple(class_names),
        image_shape=images["train"].shape[1:],
        photos=False,
        train_labels=labels["train"],
        read_train=read["train"],
        test_labels=labels.get("test"),
        read_test=read.get("test"),
        bit_depth=bit_depth,
        validation_labels=labels.get("val"),
        read_validation=read.get("val"),
    )


def _bit_depth(*arrays):
    """Returns how many of the 16 bits a channel are used where some arrays are uint16, or None."""
    arrays = [np.asarray(array) for array in arrays if array is not None]
    deep = [array for array in arrays if array.dtype == np.uint16 and array.size]
    if not deep:
        return None
    # Alpha, the fourth channel, is another matter.
    colours = [array[..., :3] if array.ndim == 4 else array for array in deep]
    return image_files.bits_for(max(int(array.max()) for array in colours))


def _size(images):
    return "x".join(str(size) for size in images.shape[1:])


def _images(array, what, bit_depth):
    """Returns images as uint8 `[N, H, W, C]`, C being 1 or 3."""
    array = np.asarray(array)
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4:
        raise UserError(
            f"{what} has shape {list(array.shape)}: expected [examples, height, width] or "
            "[examples, height, width, channels]"
        )
    if not len(array):
        raise UserError(f"{what} is empty: give at least two images a class")
    if array.shape[3] not in (1, 3, 4):
        raise UserError(
            f"{what} has {array.shape[3]} channels (shape {list(array.shape)}): images have 1 "
            "(grey), 3 (colour) or 4 (colour and alpha), in the last dimension"
        )
    pixels.check_sides(array.shape[1:3], what)
    if array.dtype.kind == "f":
        low, high = array.min(), array.max()
        if not np.isfinite([low, high]).all():
            raise UserError(f"{what} holds NaN or infinite values: replace them")
        if low < 0 or high > 1:
            raise UserError(
                f"{what} holds floats from {low:g} to {high:g}: floats must be in [0, 1]; rescale "
                "them, or store whole numbers from 0 to 255 as uint8"
            )
        array = _each(array, lambda image: np.rint(image.astype(np.float64) * 255))
    if array.dtype == np.uint16:
        array = _each(array, lambda image: pixels.to_eight_bits(image, bit_depth))
    if array.dtype != np.uint8:
        raise UserError(
            f"{what} has type {array.dtype}: store images as uint8 (0 to 255), as uint16 or as "
            "floats in [0, 1]"
        )
    return pixels.over_white(array) if array.shape[3] == 4 else array


def _each(images, function):
    """Converts image by image: in one go this would take several times the array's memory."""
    result = np.empty(images.shape, np.uint8)
    for position, image in enumerate(images):
        result[position] = function(image)
    return result


def _labels(array, what, count):
    """Returns labels as an array of shape `[count]`, of integers or of text."""
    array = np.asarray(array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "; use argmax if they are one-hot" if array.ndim == 2 else ""
        raise UserError(f"{what} has shape {list(array.shape)}: expected [{count}]{hint}")
    if len(array) != count:
        raise UserError(f"{what} has {len(array)} labels for {count} images: give one an image")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind not in "iuU":
        raise UserError(
            f"{what} has type {array.dtype}: labels are whole numbers from 0, stored as integers, "
            "or text"
        )
    return array


def _integer_classes(labels, class_names, name):
    """Checks that integer labels are 0 to K - 1; returns them as int32, and the names."""
    train = labels["train"]
    if train.min() < 0:
        raise UserError(f"{name}: y_train holds {train.min()}: labels count from 0")
    present = np.unique(train)
    count = len(class_names) if class_names else int(train.max()) + 1
    if train.max() >= count:
        raise UserError(
            f"{name}: y_train holds {train.max()}, but class_names has {count} names, for labels 0 "
            f"to {count - 1}"
        )
    if len(present) < count:
        # Labels such as 0 and 10**9 must not fill the memory with names.
        gap = next((i for i, value in enumerate(present) if i != value), len(present))
        raise UserError(
            f"{name}: no training image has label {gap} although labels go up to {count - 1}: "
            "number the classes from 0 without gaps"
        )
    for split, values in labels.items():
        if values.dtype.kind not in "iu":
            raise UserError(
                f"{name}: y_train holds integers but y_{split} holds text: use one kind"
            )
        unknown = sorted({int(value) for value in values} - set(range(count)))
        if unknown:
            raise UserError(
                f"{name}: y_{split} holds label {unknown[0]}, which no training image has: remove "
                "those images or add training images"
            )
    class_names = class_names or [str(number) for number in range(count)]
    return {split: value.astype(np.int32) for split, value in labels.items()}, class_names


def _text_classes(labels, class_names, name):
    """Numbers text labels in the order of `class_names`, by default alphabetical."""
    present = np.unique(labels["train"]).tolist()
    class_names = class_names or present
    without = [value for value in class_names if value not in present]
    if without:
        raise UserError(f"{name}: class {without[0]!r} in class_names has no training image")
    numbers = {value: number for number, value in enumerate(class_names)}
    encoded = {}
    for split, values in labels.items():
        if values.dtype.kind != "U":
            raise UserError(
                f"{name}: y_train holds text but y_{split} holds integers: use one kind"
            )
        unknown = sorted(set(values.tolist()) - set(numbers))
        if unknown:
            known = "class_names" if split == "train" else "the training labels"
            raise UserError(f"{name}: y_{split} holds {unknown[0]!r}, which is not in {known}")
        encoded[split] = np.array([numbers[value] for value in values.tolist()], np.int32)
    return encoded, class_names
