"""Exports networks in all formats: differences, sizes and times of an answer by runtime.

    python -m scripts.compare_formats --output=results/formats.csv

builds networks of published cells, of one with all operations of darts_cnn, and a language model,
with random weights that decide between pictures, exports each as a SavedModel, to ONNX and
to LiteRT (float32, float16 and, for images, int8, calibrated on these pictures), and measures: the
largest difference of a probability, or of a state, from the Keras model's, the size, and the
shortest of several times of a batch of 1 and of 32, both as ratios to the SavedModel, on one
thread. A language model goes one token on, with its state. Rows are added to the file as they are
found, and those that are there are not measured again.
"""

import csv
import pathlib
import tempfile
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import numpy as np
import tensorflow as tf
from absl import flags, logging

from darts_tf import genotypes
from darts_tf.benchmark.measurement import available_cpus
from darts_tf.common.errors import UserError
from darts_tf.export import ExportedFile, Quantization, export_language_model, export_model
from darts_tf.export.comparison import normalize
from darts_tf.export.conversion import Signature, to_litert
from darts_tf.export.runtimes import LiteRTModel, OnnxModel
from darts_tf.genotypes import nas_bench_201
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.network import build_network
from darts_tf.runtime.recalibration import Recalibration
from darts_tf.tasks import ImageClassification
from train import program

_OUTPUT = flags.DEFINE_string("output", None, "The CSV file to write to.")
_SECONDS = flags.DEFINE_float("seconds", 3, "How long each time is measured.", lower_bound=0)
_SHAPE, _CLASSES, _CHANNELS = (32, 32, 3), 10, 16
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
_UNITS, _TOKENS = 128, 65
_FORMATS = ("savedmodel", "onnx", "litert")
_BATCHES = (1, 32)
_ALL = [
    [["max_pool_3x3", 0], ["avg_pool_3x3", 1]],
    [["skip_connect", 0], ["sep_conv_3x3", 2]],
    [["sep_conv_5x5", 1], ["dil_conv_3x3", 3]],
    [["dil_conv_5x5", 2], ["max_pool_3x3", 0]],
]
_STRING = (
    "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|"
    "+|nor_conv_1x1~0|nor_conv_3x3~1|skip_connect~2|"
)


def _every_operation() -> genotypes.Genotype:
    """A cell with every operation of darts_cnn."""
    cell = {"nodes": _ALL, "concat": [2, 3, 4, 5]}
    return genotypes.Genotype.from_dict(
        {"schema_version": 1, "space": "darts_cnn", "cells": {"normal": cell, "reduce": cell}}
    )


#: Name -> its cells, and how many of them the network has.
_NETWORKS = {
    "DARTS_V2": (lambda: genotypes.get("DARTS_V2"), 8),
    "every operation": (_every_operation, 3),
    "NASNET": (lambda: genotypes.get("NASNET"), 3),
    "NAS-Bench-201": (lambda: nas_bench_201.from_string(_STRING), 3),
}
_RECURRENT = "RNN_DARTS_V2"
_CHOSEN = flags.DEFINE_list("networks", [*_NETWORKS, _RECURRENT], "Which are measured.")
_COLUMNS = (
    *("network", "format", "largest_difference", "bytes", "size_ratio"),
    *(f"{what}_{batch}" for batch in _BATCHES for what in ("ms", "time_ratio")),
)


def main() -> None:
    """Exports, measures and prints the table."""
    if not _OUTPUT.value:
        raise UserError("--output is missing; give the CSV file to write to")
    logging.set_verbosity(logging.WARNING)
    path = pathlib.Path(_OUTPUT.value)
    rows = list(csv.DictReader(path.open())) if path.exists() else []
    for name in _CHOSEN.value:
        if name not in (*_NETWORKS, _RECURRENT):
            raise UserError(
                f"there is no network {name!r}; expected some of {', '.join(_NETWORKS)}, "
                f"{_RECURRENT}"
            )
        if name in {row["network"] for row in rows}:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = _images(name, folder) if name in _NETWORKS else _texts(name, folder)
        rows += [{"network": name, **row} for row in found]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    print(f"{available_cpus()} CPUs, one thread each")
    for row in rows:
        print(" | ".join(str(row[name]) for name in _COLUMNS))


def _pictures() -> np.ndarray:
    """Images of large patches, uint8 `[32, H, W, C]`, unlike each other as photos are."""
    draw = np.random.default_rng(1)
    height, width, channels = _SHAPE
    patches = draw.integers(0, 256, [max(_BATCHES), 4, 4, channels], dtype=np.uint8)
    return np.kron(patches, np.ones([1, height // 4, width // 4, 1], np.uint8))


def _settle(network, images) -> None:
    """Makes a new network decided, as training does, but at random.

    Batch normalisation gets the statistics of the images, and the logits a deviation of 3, because
    nearly equal probabilities would be equal in every format.
    """
    normalized = normalize(images, _MEAN, _STD)
    # One pass does not pay for a graph.
    tf.config.run_functions_eagerly(True)
    Recalibration(network)([normalized])
    tf.config.run_functions_eagerly(False)
    head = network.layers[-1].trainable_variables
    (kernel,) = (variable for variable in head if len(variable.shape) == 2)
    (bias,) = (variable for variable in head if variable.path.endswith("bias"))
    logits = network(normalized).numpy()
    factors = 3 / logits.std(axis=0)
    bias.assign((bias - logits.mean(axis=0)) * factors)
    kernel.assign(kernel * factors)


def _images(name: str, folder: str) -> list[dict]:
    keras.utils.set_random_seed(0)
    genotype, cells = _NETWORKS[name]
    network = build_network(genotype(), _SHAPE, _CLASSES, _CHANNELS, cells)
    images = _pictures()
    _settle(network, images)
    arguments = {
        "image_shape": _SHAPE,
        "mean": _MEAN,
        "std": _STD,
        "class_names": [str(i) for i in range(_CLASSES)],
    }
    made = export_model(
        network,
        folder,
        **arguments,
        formats=_FORMATS,
        quantization=Quantization("float16", images),
    )
    model = tf.saved_model.load(str(made.directory))
    path = made.directory / "model_int8.tflite"
    int8 = _eight_bits(network, images, path)
    runs = {
        "savedmodel": model.signatures["serving_default"],
        **_runs(made),
        int8.format: LiteRTModel(path, threads=1),
    }
    inputs = [{"images": images[:batch]} for batch in _BATCHES]
    return _measured(runs, (*made.files, int8), made, inputs)


def _eight_bits(network, images, path: pathlib.Path) -> ExportedFile:
    """A LiteRT file in int8: of random weights, whose accuracy would say nothing."""

    def answers(images):
        normalized = normalize(images, _MEAN, _STD)
        return ImageClassification().answers(network(normalized, training=False))

    spec = tf.TensorSpec([None, *_SHAPE], tf.uint8, name="images")
    to_litert(Signature(network, answers, [spec]), path, Quantization("int8", images))
    found = LiteRTModel(path)(images=images)["probabilities"]
    difference = float(np.abs(found - answers(images)["probabilities"].numpy()).max())
    return ExportedFile("litert int8", path.name, path.stat().st_size, difference)


def _texts(name: str, folder: str) -> list[dict]:
    keras.utils.set_random_seed(0)
    model = build_language_model(name, _TOKENS, _UNITS, seed=0)
    for variable in model.trainable_variables:
        # New ones leave all tokens equally probable.
        variable.assign(10 * variable)
    words = [chr(ord("0") + i) for i in range(_TOKENS)]
    made = export_language_model(
        model, folder, vocabulary=words, unit="characters", formats=_FORMATS
    )
    loaded = tf.saved_model.load(str(made.directory))
    runs = {"savedmodel": loaded.signatures["serving_state"], **_runs(made)}
    draw = np.random.default_rng(1)
    inputs = [
        {
            "tokens": draw.integers(0, _TOKENS, [batch, 1]).astype("int32"),
            "state_0": np.zeros([batch, _UNITS], np.float32),
        }
        for batch in _BATCHES
    ]
    return _measured(runs, made.files, made, inputs)


def _runs(made) -> dict:
    kinds = {".onnx": OnnxModel, ".tflite": LiteRTModel}
    return {
        file.format: kinds[pathlib.Path(file.name).suffix](made.directory / file.name, threads=1)
        for file in made.files
    }


def _measured(runs: dict, files, made, inputs) -> list[dict]:
    """A row for each format, the SavedModel first."""
    size = sum(path.stat().st_size for path in made.directory.rglob("*") if path.is_file())
    size -= sum(file.size_bytes for file in files if (made.directory / file.name).exists())
    sizes = {"savedmodel": size, **{file.format: file.size_bytes for file in files}}
    differences = {"savedmodel": made.max_difference}
    differences |= {file.format: file.max_difference for file in files}
    times = [_times(runs, one) for one in inputs]
    rows = []
    for name in runs:
        row = {
            "format": name,
            "largest_difference": f"{differences[name]:.1e}",
            "bytes": sizes[name],
            "size_ratio": f"{sizes[name] / size:.2f}",
        }
        for batch, found in zip(_BATCHES, times, strict=True):
            row[f"ms_{batch}"] = f"{1e3 * found[name]:.2f}"
            row[f"time_ratio_{batch}"] = f"{found[name] / found['savedmodel']:.2f}"
        rows.append(row)
    return rows


def _times(runs: dict, inputs: dict) -> dict[str, float]:
    """The shortest time of an answer by format, in seconds; in turns, as the machine may slow."""
    shortest = {name: float("inf") for name in runs}
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    started = time.monotonic()
    turns = 0
    while turns < 3 or time.monotonic() - started < _SECONDS.value * len(runs):
        for name, run in runs.items():
            given = tensors if name == "savedmodel" else inputs
            begun = time.perf_counter()
            run(**given)
            shortest[name] = min(shortest[name], time.perf_counter() - begun)
        turns += 1
    return shortest


if __name__ == "__main__":
    program.run(main)
