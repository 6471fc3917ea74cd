"""The files of an export beside its SavedModel, each compared in its own runtime."""

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.export.comparison import TOLERANCE
from darts_tf.export.conversion import Signature, to_litert, to_onnx
from darts_tf.export.formats import FLOAT16, INT8, LITERT, ONNX, Quantization
from darts_tf.export.runtimes import LiteRTModel, OnnxModel

#: The name of the file of each format.
FILES = {ONNX: "model.onnx", LITERT: "model.tflite"}
# Weights that are rounded to 11 bits move a probability that far at most.
_FLOAT16_TOLERANCE = 1e-2
# Share of the test images: an int8 file that loses more is wrong rather than coarse.
_LARGEST_LOSS = 0.05
_BATCH = 256


class ExportedFile(NamedTuple):
    """A file of an export.

    Attributes:
        format: "onnx", "litert", "litert float16" or "litert int8".
        name: of the file.
        size_bytes: its size.
        max_difference: the largest difference of an answer from the Keras model's.
        accuracy: on the test images, in [0, 1]; None if there were none.
        float_operations: how many operations compute with floats, of how many; None where all may.
    """

    format: str
    name: str
    size_bytes: int
    max_difference: float
    accuracy: float | None = None
    float_operations: tuple[int, int] | None = None


def write_files(
    folder: Path,
    formats: Collection[str],
    signature_of: Callable[[str], Signature],
    compare: Callable[[str, Callable, float], float],
    quantization: Quantization | None = None,
) -> tuple[ExportedFile, ...]:
    """Writes the files of some formats and compares what their runtimes answer.

    Args:
        folder: where they go.
        formats: their names; the SavedModel is passed over.
        signature_of: of a format, what is exported.
        compare: from the format, the function that runs a file, from arrays by name to answers by
            name, and what is allowed, to the largest difference; raises a `UserError` if it is
            more.
        quantization: of a further LiteRT file.

    Raises:
        UserError: a file cannot be written or does not answer as the Keras model.
    """
    found = []
    if ONNX in formats:
        path = folder / FILES[ONNX]
        to_onnx(signature_of(ONNX), path)
        run = OnnxModel(path)
        difference = compare(ONNX, run, TOLERANCE)
        found.append(_described(ONNX, path, difference, run, quantization))
    if LITERT in formats:
        signature, path = signature_of(LITERT), folder / FILES[LITERT]
        to_litert(signature, path)
        run = LiteRTModel(path)
        difference = compare(LITERT, run, TOLERANCE)
        found.append(_described(LITERT, path, difference, run, quantization))
        if quantization is not None:
            exact = found[-1].accuracy
            found.append(_quantized(signature, folder, compare, quantization, exact))
    return tuple(found)


def _quantized(signature, folder, compare, quantization, exact) -> ExportedFile:
    kind = quantization.kind
    path = folder / f"model_{kind}.tflite"
    to_litert(signature, path, quantization)
    run = LiteRTModel(path)
    difference = compare(LITERT, run, _FLOAT16_TOLERANCE if kind == FLOAT16 else math.inf)
    found = _described(f"{LITERT} {kind}", path, difference, run, quantization)
    if kind == INT8:
        found = found._replace(float_operations=run.float_operations())
    if found.accuracy is not None and not exact - found.accuracy <= _LARGEST_LOSS:
        raise UserError(
            f"in {kind} the accuracy on the test images is {found.accuracy:.4f}, and {exact:.4f} "
            f"in float32 (allowed: {_LARGEST_LOSS} less); nothing was exported; are the training "
            "images those of this network? Leave the quantization out, or try float16"
        )
    return found


def _described(name, path, difference, run, quantization) -> ExportedFile:
    tested = quantization is not None and quantization.test_images is not None
    accuracy = _accuracy(run, quantization) if tested else None
    return ExportedFile(name, path.name, path.stat().st_size, difference, accuracy)


def _accuracy(run, quantization: Quantization) -> float:
    images, labels = quantization.test_images, np.asarray(quantization.test_labels)
    found = [run(images=images[i : i + _BATCH])["class_ids"] for i in range(0, len(images), _BATCH)]
    return float(np.mean(np.concatenate(found) == labels))
