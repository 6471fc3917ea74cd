"""A very small network and its export, shared by the tests of export and serving."""

import io
import json

import keras
import numpy as np
from PIL import Image

MEAN = {1: (0.3,), 3: (0.5, 0.4, 0.3)}
STD = {1: (0.35,), 3: (0.25, 0.2, 0.3)}
CLASS_NAMES = ("zero", "one", "two", "Ünïcode four\u2028")
GENOTYPE = {
    "schema_version": 1,
    "space": "darts_cnn",
    "cells": {"normal": {"nodes": [[["skip_connect", 0], ["skip_connect", 1]]], "concat": [2]}},
}
GENOTYPE_JSON = json.dumps(GENOTYPE)


def build(channels: int = 1, size: int = 8) -> keras.Model:
    """Images `[B, size, size, channels]` to 4 logits that differ clearly between images."""
    keras.utils.set_random_seed(3)
    images = keras.Input((size, size, channels))
    hidden = keras.layers.Conv2D(6, 3, activation="relu")(images)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.5)(hidden)
    return keras.Model(images, keras.layers.Dense(4)(keras.layers.Flatten()(hidden)))


def arguments(channels: int = 1, size: int = 8) -> dict:
    """The keyword arguments of `export_model` that fit `build(channels, size)`."""
    return {
        "image_shape": (size, size, channels),
        "mean": MEAN[channels],
        "std": STD[channels],
        "class_names": CLASS_NAMES,
        "genotype_json": GENOTYPE_JSON,
    }


def random_images(count: int, channels: int = 1, size: int = 8) -> np.ndarray:
    """uint8 `[count, size, size, channels]`."""
    generator = np.random.default_rng(7)
    return generator.integers(0, 256, [count, size, size, channels], dtype=np.uint8)


def encode(image: np.ndarray, kind: str = "PNG", **options) -> bytes:
    """Encodes uint8 `[H, W, 1 or 3]` as an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(axis=2) if image.shape[2] == 1 else image).save(
        buffer, kind, **options
    )
    return buffer.getvalue()


def expected_probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The answers that an export must give, computed with NumPy around the Keras model."""
    channels = images.shape[-1]
    mean, std = np.float32(MEAN[channels]), np.float32(STD[channels])
    logits = np.asarray(model((images / np.float32(255) - mean) / std, training=False))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def write_run_folder(folder) -> keras.Model:
    """Writes what `train.evaluate` leaves in its folder, as far as `train.export` reads it."""
    model = build()
    folder.mkdir()
    model.save(folder / "model.keras")
    data = arguments()
    (folder / "genotype.json").write_text(data.pop("genotype_json"))
    data |= {"name": "tiny", "flip": False, "train_examples": 6, "test_examples": 2}
    (folder / "data.json").write_text(json.dumps(data))
    return model
