"""Folders of runs, as programs write them."""

import io
import json

import numpy as np
from PIL import Image

CELL = {"space": "darts_cnn", "cells": {}}


def training(path, genotype, accuracy, **changed):
    """A finished training.

    Args:
        path: the folder, which is made.
        genotype: the value of --genotype.
        accuracy: on 100 test images.
        **changed: settings that are others.
    """
    path.mkdir()
    settings = {"program": "evaluate", "epochs": 2, "seed": 0, "dataset": "pets"}
    cell = {**CELL, "cells": {"normal": genotype}}
    write(path, "config.json", {**settings, "genotype": cell, **changed})
    result = {"test_accuracy": accuracy, "test_examples": 100, "parameters": 4750}
    write(path, "result.json", {**result, "data_sha256": "abc"})
    (path / "flags.txt").write_text(
        f"# python -m train.evaluate --flagfile=THIS_FILE\n--genotype={genotype}\n"
    )
    return path


def predict(path, names=("cat", "<b>dog"), sizes=(40, 60)):
    """Predictions of a training: five of each class are taken for the next one."""
    classes = [
        {
            "name": name,
            "examples": size,
            "right": size - 5,
            "taken_for": {names[(i + 1) % len(names)]: 5},
        }
        for i, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]
    picture = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(picture, format="PNG")
    (path / "mistakes").mkdir()
    (path / "mistakes/1.png").write_bytes(picture.getvalue())
    mistakes = [
        {
            **{"example": 17, "picture": "mistakes/1.png", "label": names[0]},
            **{"predicted": names[1], "probability": 0.987, "label_probability": 0.01},
        }
    ]
    write(path, "predictions.json", {"classes": classes, "mistakes": mistakes})


def write(path, name, content):
    (path / name).write_text(json.dumps(content))
