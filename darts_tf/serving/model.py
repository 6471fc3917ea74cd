"""An exported network for images in memory, ready to predict."""

import functools
import json
import math

import numpy as np
import tensorflow as tf

from darts_tf.datasets import image_files
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import BYTES_SIGNATURE, DEFAULT_SIGNATURE, IMAGE_BYTES
from darts_tf.serving.loaded_model import LoadedModel

# One step computes as many images as have this many pixels, or a few larger ones. That bounds the
# memory of a request's activations, and the time for which another request waits.
_STEP_PIXELS = 2**15
_STEP_IMAGES = (32, 512)
# What an export without preprocessing.json was trained on: files whose marks by cameras were not
# followed, and none with 16 bits a channel.
_FIRST_PREPROCESSING = {"upright": False, "bit_depth": None}


class ServedModel(LoadedModel):
    """The newest version of a model that `darts_tf.export.export_model` wrote.

    Image files are decoded by `darts_tf.datasets.image_files`, as in training, and not by the
    graph of `serving_bytes`, which reads fewer kinds of files. So are they for exports of before
    there was a `preprocessing.json`, whose own graph answers differently from the training.

    Args:
        directory, name: see `LoadedModel`.

    Attributes:
        class_names: the K names of the classes, labels or columns of numbers.
        task: the name of what the network was trained for.
        image_shape: `(H, W, C)`.
    """

    page = "index.html"
    examples = "images"

    def _read_assets(self, assets):
        self.image_shape = tuple(self.inputs(DEFAULT_SIGNATURE)["images"].shape[1:])
        pixels = math.prod(self.image_shape[:2])
        low, high = _STEP_IMAGES
        self.step_images = max(low, min(high, _STEP_PIXELS // pixels))
        self.inputs(BYTES_SIGNATURE)["image_bytes"]
        # Not splitlines(): it also splits at characters that a class name may hold.
        text = (assets / "labels.txt").read_text(encoding="utf-8")
        self.class_names = text.removesuffix("\n").split("\n")
        described = assets / "preprocessing.json"
        preprocessing = (
            json.loads(described.read_text()) if described.exists() else _FIRST_PREPROCESSING
        )
        # Once there was only one.
        self.task = preprocessing.get("task", "image_classification")
        self._read = functools.partial(
            image_files.read,
            image_shape=self.image_shape,
            bit_depth=preprocessing["bit_depth"],
            upright=preprocessing["upright"],
            crop=preprocessing.get("crop"),
        )

    def about(self):
        return {
            **super().about(),
            "image_shape": self.image_shape,
            "class_names": self.class_names,
            "task": self.task,
        }

    def prepare(self, signature, inputs, start=0):
        if signature != BYTES_SIGNATURE:
            return signature, inputs
        files = inputs[IMAGE_BYTES]
        images = np.empty((len(files), *self.image_shape), np.uint8)
        for index, encoded in enumerate(files):
            try:
                images[index] = self._read(encoded)
            except image_files.ImageError as error:
                raise RequestError(400, f"image {start + index} cannot be read: {error}") from error
        return DEFAULT_SIGNATURE, {"images": images}

    def _warm_up(self) -> None:
        encoded = tf.io.encode_png(np.zeros(self.image_shape, np.uint8)).numpy()
        self.predict(BYTES_SIGNATURE, {"image_bytes": np.array([encoded], object)})
