"""The fingerprint of a data set, whatever it is called and wherever it lies.

A run folder keeps it in `data.json`, so that a run that goes on, a selection or an export can tell
whether the data are still those that the run began with.
"""

import hashlib
import json
import math
import pathlib

import numpy as np

from darts_tf.common import reading

# The keys of a fingerprint, and what the user calls that.
_HASHES = {
    "train_labels": "the labels of the training images, or their order,",
    "train_images": "the training images, or their order,",
    "test_labels": "the labels of the test images, or their order,",
    "test_images": "the test images, or their order,",
    "validation_labels": "the labels of the validation images, or their order,",
    "validation_images": "the validation images, or their order,",
}
_COUNTS = {
    "train_examples": "the number of training images",
    "test_examples": "the number of test images",
    "validation_examples": "the number of validation images",
}
# What a network that was trained on the data depends on.
_DECISIVE = ("class_names", "image_shape", "bit_depth", "mean", "std", "fingerprint")
# Where there is no fingerprint: sums may be rounded differently on another machine.
_TOLERANCE = 1e-6


def fingerprint(data) -> dict[str, str]:
    """Hashes of all labels and all pixels, as they train and test.

    That is SHA-256 of what is in memory: of the images that `train_examples` has kept, decoded and
    resized, so that neither a path nor the name or the format of a file matters. It takes about 0.6
    seconds for every GB, much less than reading that.

    Args:
        data: An `ImageData`.

    Returns:
        `train_labels`, `train_images`, `test_labels` and `test_images`; where there is a validation
        part, `validation_labels` and `validation_images` too.
    """
    arrays = {key: getattr(data, key) for key in _HASHES}
    return {key: hash_array(array) for key, array in arrays.items() if array is not None}


def difference(before: dict, now: dict) -> str | None:
    """Says in which way a data set is another one than before.

    Args:
        before: An `ImageData.description()` that was kept. One without a fingerprint, as earlier
            versions wrote it, is compared by classes, counts, shape, mean and deviation alone.
        now: That of the present data.

    Returns:
        The first difference and both values; None if there is none. The name of the data set is
        not compared, because it is that of a file or folder.
    """
    if before["class_names"] != now["class_names"]:
        return _of_classes(before["class_names"], now["class_names"])
    if (kinds := [one.get("kind", "classes") for one in (before, now)])[0] != kinds[1]:
        return "images were labelled with {} and are now with {}".format(*kinds)
    if before["image_shape"] != now["image_shape"]:
        shapes = ("x".join(map(str, one["image_shape"])) for one in (before, now))
        return "the images' size was {} and is now {}".format(*shapes)
    for key, what in _COUNTS.items():
        if (counts := (before.get(key, 0), now.get(key, 0)))[0] != counts[1]:
            return "{} was {:,} and is now {:,}".format(what, *counts)
    kept = before.get("fingerprint") or {}
    crops = {one.get("evaluation_crop") for one in (before, now)}
    for key, what in _HASHES.items():
        # The same files, of which an evaluation sees more or less.
        if len(crops) > 1 and key in ("test_images", "validation_images"):
            continue
        if key in kept and kept[key] != now["fingerprint"][key]:
            return f"{what} are other ones now" + _of_versions(kept, now["fingerprint"])
    return None if kept else _of_pixels(before, now)


def digest(description: dict) -> str:
    """One hash of all that a trained network depends on, for the result of the training.

    Args:
        description: An `ImageData.description()`, or what was kept of one.
    """
    return hash_settings(description, _DECISIVE)


def hash_settings(description: dict, names) -> str:
    """SHA-256 of the settings of these names in a description, None where one is missing."""
    decisive = {key: description.get(key) for key in names}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def hash_file(path) -> str | None:
    """SHA-256 of a file's content; None if it cannot be read, which is said where it is."""
    try:
        reading.check_regular(path)
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def hash_array(array) -> str:
    """SHA-256 of an array's type, shape and values; of images in a file, too."""
    if hasattr(array, "blocks"):
        if array.sha256 is None:
            array.sha256 = _hash_blocks(array)
        return array.sha256
    array = np.ascontiguousarray(array)
    # A byte order is not a property of the data.
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    found = hashlib.sha256(f"{array.dtype.str} {list(array.shape)} ".encode())
    found.update(array.data)
    return found.hexdigest()


def _hash_blocks(images) -> str:
    found = hashlib.sha256(f"{images.dtype.str} {list(images.shape)} ".encode())
    for block in images.blocks():
        found.update(block.data)
    return found.hexdigest()


def _of_classes(before, now) -> str:
    if len(before) != len(now):
        return f"there were {len(before)} classes and are now {len(now)}"
    number = next(i for i, pair in enumerate(zip(before, now, strict=True)) if len(set(pair)) == 2)
    return f"class {number} was {before[number]!r} and is now {now[number]!r}"


def _of_versions(before, now) -> str:
    """Why prepared data may differ; another version alone may hold the same images."""
    if before.get("version") == now.get("version"):
        return ""
    return f" (the data set's version was {before.get('version')} and is now {now.get('version')})"


def _of_pixels(before, now) -> str | None:
    for key, what in (("mean", "mean"), ("std", "standard deviation")):
        for first, second in zip(before[key], now[key], strict=True):
            if not math.isclose(first, second, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                return f"the {what} of the pixels was {first:g} and is now {second:g}"
    return None
