"""Checks of what can be exported, before anything is written."""

import math
from pathlib import Path

import numpy as np

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files
from darts_tf.export.formats import INT8, Quantization

# What an exported model holds at least one of.
_MODELS = ("saved_model.pb", "model.onnx", "model.tflite")


def check_replaceable(target: Path, overwrite: bool) -> None:
    """Refuses to replace a folder that is there already.

    Args:
        target: the folder.
        overwrite: whether an exported model may be replaced.

    Raises:
        UserError: it may not, or it is no exported model.
    """
    if not overwrite:
        raise UserError(
            f"{target} exists already and is not overwritten; choose another folder, another "
            "version number, or ask for it to be replaced (--overwrite)"
        )
    if not any((target / name).is_file() for name in _MODELS):
        raise UserError(
            f"{target} exists but is no exported model, so it is not replaced; choose another "
            "folder or remove it yourself"
        )


def check_arguments(model, preprocessing, class_names, genotype_json, version) -> None:
    """Refuses arguments of `darts_tf.export.export_model` that do not fit together.

    Raises:
        UserError: says which, and what was expected.
    """
    image_shape, mean, std = preprocessing.image_shape, preprocessing.mean, preprocessing.std
    if len(image_shape) != 3 or min(image_shape) < 1 or image_shape[2] not in (1, 3):
        raise UserError(
            f"image_shape is {list(image_shape)}; expected [height, width, channels] "
            "with 1 channel (grey) or 3 (RGB)"
        )
    for label, values in {"mean": mean, "std": std}.items():
        if len(values) != image_shape[2] or not all(map(_is_finite, values)):
            raise UserError(
                f"{label} is {list(values)}; expected {image_shape[2]} finite numbers, "
                "one a channel"
            )
    if min(std) <= 0:
        raise UserError(f"std is {list(std)}; every number must be above 0")
    if preprocessing.bit_depth not in (None, *image_files.BIT_DEPTHS):
        raise UserError(
            f"bit_depth is {preprocessing.bit_depth!r}; expected None or one of "
            f"{', '.join(map(str, image_files.BIT_DEPTHS))}"
        )
    if any(not name or "\n" in name or "\r" in name for name in class_names):
        raise UserError("every class name must be one line of text that is not empty")
    check_version(version)
    _check_model(model, image_shape, len(class_names))
    if genotype_json is not None:
        try:
            reading.parse_json(genotype_json)
        except ValueError as error:
            raise UserError(f"the genotype is no JSON: {error}") from error


def check_quantization(quantization: Quantization | None, image_shape) -> None:
    """Refuses images for a quantization that the network does not take.

    Raises:
        UserError: says what was given.
    """
    if quantization is None:
        return
    if quantization.kind == INT8 and (quantization.images is None or not len(quantization.images)):
        raise UserError(
            "a quantization to int8 needs training images, on which the ranges of values are "
            "measured, and got none"
        )
    for images in (quantization.images, quantization.test_images):
        if images is None:
            continue
        if images.dtype != np.uint8 or images.shape[1:] != image_shape:
            raise UserError(
                f"the images of the quantization are {images.dtype} of shape {list(images.shape)}; "
                f"expected uint8 of shape [any, {', '.join(map(str, image_shape))}]"
            )


def check_version(version) -> None:
    """Refuses a version that is no whole number from 1.

    Raises:
        UserError: says what was given.
    """
    if not isinstance(version, int) or version < 1:
        raise UserError(f"the version number is {version}; expected a whole number from 1")


def _is_finite(number) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        # A whole number that no float holds.
        return False


def _check_model(model, image_shape, num_classes) -> None:
    if not model.built:
        raise UserError("the model has no weights yet; call it on a batch of images first")
    # A subclassed model may not know its shapes; the comparison after the export covers it.
    input_shape = getattr(model, "input_shape", None)
    output_shape = getattr(model, "output_shape", None)
    if input_shape is not None and tuple(input_shape[1:]) != image_shape:
        raise UserError(
            f"the model takes images of shape {list(input_shape[1:])}, but the data has "
            f"{list(image_shape)}; they must come from the same run"
        )
    if output_shape is not None and output_shape[-1] != num_classes:
        raise UserError(
            f"the model has {output_shape[-1]} outputs, but there are {num_classes} class names; "
            "they must come from the same run"
        )
