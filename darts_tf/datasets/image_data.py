"""A data set of images, and the description of it that a run folder keeps."""

import dataclasses

import numpy as np

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files
from darts_tf.datasets.fingerprint import fingerprint
from darts_tf.datasets.source import CLASSES, KINDS, NUMBERS

_DESCRIPTION_TYPES = {
    "name": str,
    "image_shape": list,
    "class_names": list,
    "mean": list,
    "std": list,
    "flip": bool,
    "train_examples": int,
    "test_examples": int,
}


@dataclasses.dataclass(frozen=True, eq=False)
class ImageData:
    """A whole data set of labelled images, in memory or in files.

    Args:
        name: What it was loaded as, such as `"cifar10"`.
        train_images: uint8 array of shape `[N, H, W, C]`, C being 1 or 3.
        train_labels: int32 array of shape `[N]`, values from 0 to `num_classes - 1`.
        test_images: uint8 array of shape `[M, H, W, C]`.
        test_labels: int32 array of shape `[M]`.
        class_names: One name a class.
        mean: Per channel, of pixels scaled to [0, 1].
        std: Per channel, of pixels scaled to [0, 1]; positive.
        flip: Whether an image still shows its class after a left-right flip. True for known sets
            of photos such as `"cifar10"` only: a mirrored digit, letter or arrow is another one or
            none, and nobody but you knows what your images show. To change it:
            `dataclasses.replace(data, flip=True)`.
        cutout: Whether an image still shows its class when a square of half its side is cut out of
            it. Likewise.
        version: Of a prepared set of TensorFlow Datasets, such as `"3.0.2"`; None for others.
        bit_depth: How many bits were used of images with 16 bits a channel (8, 10, 12, 14 or 16),
            which became 8: files of this kind have to be scaled alike later. None without such.
        validation_images: uint8 array of shape `[L, H, W, C]`; None where the data set has no
            validation part of its own.
        validation_labels: int32 array of shape `[L]`, or None.
        left_out: Names of the image files that could not be read and are in none of the parts.
        kind: Of the labels. `"classes"`: as above. `"labels"`: each image has any of the labels in
            `class_names`; all `..._labels` are int32 `[N, K]`, 0 or 1. `"numbers"`: they are
            float64 `[N, K]`, and `class_names` are the names of their columns.
        evaluation_crop: What share is seen of test images and of a validation part's own, see
            `pixels.middle`; None where all of them is resized.

    Images may also be `StoredImages`, which are in a file.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    cutout: bool = False
    version: str | None = None
    bit_depth: int | None = None
    validation_images: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    left_out: tuple[str, ...] = ()
    kind: str = CLASSES
    evaluation_crop: float | None = None

    @property
    def image_shape(self):
        """`(height, width, channels)` of every image."""
        return tuple(int(size) for size in self.train_images.shape[1:])

    @property
    def num_classes(self):
        """The number of classes, of labels or of columns of numbers."""
        return len(self.class_names)

    @property
    def scaling(self):
        """Means and standard deviations of the columns of numbers in the training part."""
        values = self.train_labels
        return tuple(values.mean(axis=0).tolist()), tuple(values.std(axis=0).tolist())

    def description(self):
        """Returns what a run folder keeps as `data.json`: all but the examples, hashes of them."""
        own = {}
        if self.validation_labels is not None:
            own["validation_examples"] = len(self.validation_labels)
        if self.left_out:
            own["left_out"] = len(self.left_out)
        if self.evaluation_crop is not None:
            own["evaluation_crop"] = self.evaluation_crop
        if self.kind != CLASSES:
            own["kind"] = self.kind
        if self.kind == NUMBERS:
            own["means"], own["deviations"] = map(list, self.scaling)
        return {
            "name": self.name,
            "image_shape": list(self.image_shape),
            "class_names": list(self.class_names),
            "mean": list(self.mean),
            "std": list(self.std),
            "flip": self.flip,
            "bit_depth": self.bit_depth,
            "train_examples": len(self.train_labels),
            "test_examples": len(self.test_labels),
            **own,
            "fingerprint": {"version": self.version, **fingerprint(self)},
        }


def load_description(path):
    """Reads and checks a `data.json` that was written from `ImageData.description()`.

    Args:
        path: The file.

    Returns:
        A dict with the keys of `ImageData.description()`. Descriptions of before have no
        `bit_depth`: it is None. Without `kind` it is that of classes.

    Raises:
        UserError: If the file cannot be read or does not describe a data set.
    """
    try:
        description = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the data description {path}: {error}") from error
    if not isinstance(description, dict):
        raise UserError(f"{path} does not describe a data set: expected a JSON object")
    for key, kind in _DESCRIPTION_TYPES.items():
        if not isinstance(description.get(key), kind):
            raise UserError(
                f"{path} does not describe a data set: {key} is {description.get(key)!r}, "
                f"expected a JSON {'boolean' if kind is bool else kind.__name__}"
            )
    names = description["class_names"]
    if not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: class_names is {names!r:.200}, expected a list of texts")
    if description.setdefault("bit_depth") not in (None, *image_files.BIT_DEPTHS):
        raise UserError(
            f"{path}: bit_depth is {description['bit_depth']!r}, expected null or one of "
            f"{', '.join(map(str, image_files.BIT_DEPTHS))}"
        )
    shape = description["image_shape"]
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
        raise UserError(f"{path}: image_shape is {shape}, expected [height, width, channels]")
    for key in ("mean", "std"):
        values = description[key]
        if len(values) != shape[2] or not all(isinstance(value, int | float) for value in values):
            raise UserError(
                f"{path}: {key} is {values}, expected {shape[2]} numbers, one a channel"
            )
    if min(description["std"]) <= 0:
        raise UserError(f"{path}: std is {description['std']}, expected positive numbers")
    crop = description.get("evaluation_crop")
    if crop is not None and not (isinstance(crop, int | float) and 0 < crop <= 1):
        raise UserError(
            f"{path}: evaluation_crop is {crop!r:.60}, expected null or a number above 0 up to 1"
        )
    if description.get("kind", CLASSES) not in KINDS:
        raise UserError(
            f"{path}: kind is {description['kind']!r:.60}, expected one of {', '.join(KINDS)}"
        )
    if description.get("kind") == NUMBERS:
        _check_scaling(path, description)
    return description


def _check_scaling(path, description):
    """Refuses what does not say how numbers are standardised."""
    for key in ("means", "deviations"):
        values, count = description.get(key), len(description["class_names"])
        if (
            not isinstance(values, list)
            or len(values) != count
            or not all(isinstance(value, int | float) for value in values)
        ):
            raise UserError(f"{path}: {key} is {values!r:.100}, expected {count} numbers")
    if min(description["deviations"]) <= 0:
        raise UserError(
            f"{path}: deviations is {description['deviations']!r:.100}, expected positive numbers"
        )
