"""An exported network in memory, ready to predict."""

import functools
import json
import math
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from darts_tf.common.errors import UserError, reason
from darts_tf.datasets import image_files
from darts_tf.serving import tensors, versions
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import BYTES_SIGNATURE, DEFAULT_SIGNATURE, Interface, Spec

# One step computes as many images as have this many pixels, or a few larger ones. That bounds the
# memory of a request's activations, and the time for which another request waits.
_STEP_PIXELS = 2**15
_STEP_IMAGES = (32, 512)
# What an export without preprocessing.json was trained on: files whose marks by cameras were not
# followed, and none with 16 bits a channel.
_FIRST_PREPROCESSING = {"upright": False, "bit_depth": None}


class ServedModel:
    """The newest version of a model that `darts_tf.export.export_model` wrote.

    Image files are decoded by `darts_tf.datasets.image_files`, as in training, and not by the
    graph of `serving_bytes`, which reads fewer kinds of files. So are they for exports of before
    there was a `preprocessing.json`, whose own graph answers differently from the training.

    Args:
        directory: the folder given to `export_model`, or one of its version folders.
        name: the model's name in addresses.

    Attributes:
        name: as given.
        version: the number of the version folder.
        class_names: the K names of the classes.
        image_shape: `(H, W, C)`.
        genotype: the genotype as JSON-ready values, or None.
        step_images: how many images are computed at once.
        interface: names, version and signatures, without TensorFlow.
        signature_def: all signatures, in the JSON form of TensorFlow's `SignatureDef` proto.

    Raises:
        UserError: `directory` is missing or is no such export.
    """

    def __init__(self, directory, name: str):
        self.name = name
        folder, self.version = versions.find(directory)
        # The variables live as long as this object does; the signatures alone do not keep them.
        self._loaded = _load(folder)
        self._signatures = dict(self._loaded.signatures)
        try:
            self.interface = self._describe()
            self.image_shape = tuple(self.inputs(DEFAULT_SIGNATURE)["images"].shape[1:])
            pixels = math.prod(self.image_shape[:2])
            low, high = _STEP_IMAGES
            self.step_images = max(low, min(high, _STEP_PIXELS // pixels))
            self.inputs(BYTES_SIGNATURE)["image_bytes"]
            assets = folder / "assets"
            # Not splitlines(): it also splits at characters that a class name may hold.
            text = (assets / "labels.txt").read_text(encoding="utf-8")
            self.class_names = text.removesuffix("\n").split("\n")
            described = assets / "preprocessing.json"
            preprocessing = (
                json.loads(described.read_text()) if described.exists() else _FIRST_PREPROCESSING
            )
            self._read = functools.partial(
                image_files.read,
                image_shape=self.image_shape,
                bit_depth=preprocessing["bit_depth"],
                upright=preprocessing["upright"],
            )
            genotype = assets / "genotype.json"
            self.genotype = json.loads(genotype.read_text()) if genotype.exists() else None
            self._warm_up()
        except (KeyError, TypeError, OSError, ValueError, RequestError) as error:
            raise UserError(
                f"{folder} is a SavedModel, but none that `python -m train.export` wrote, or it is "
                f"damaged ({error}); export the network again"
            ) from error
        self.signature_def = _signature_def(folder)

    def inputs(self, signature: str) -> dict[str, Spec]:
        """The inputs of a signature by name.

        Raises:
            RequestError: there is no such signature.
        """
        return self.interface.inputs(signature)

    def predict(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch.

        Args:
            signature: its name.
            inputs: one array for each input, as `inputs(signature)` says, with B >= 1.

        Returns:
            One array `[B, ...]` for each output, sorted by name.

        Raises:
            RequestError: TensorFlow refuses the values, or an image file cannot be used.
        """
        return tensors.join(list(self.steps(signature, inputs)))

    def steps(self, signature: str, inputs: dict[str, np.ndarray]):
        """Yields what `predict` returns in parts of `step_images` images, computed one by one."""
        if signature == BYTES_SIGNATURE:
            yield from self._file_steps(inputs["image_bytes"])
            return
        function = self._signatures[signature]
        specs = self.inputs(signature)
        size = len(next(iter(inputs.values())))
        for start in range(0, size, self.step_images):
            feed = {
                name: tf.constant(array[start : start + self.step_images], specs[name].dtype)
                for name, array in inputs.items()
            }
            try:
                answer = function(**feed)
            except tf.errors.InvalidArgumentError as error:
                raise RequestError(400, "TensorFlow cannot use these values") from error
            yield {name: tensor.numpy() for name, tensor in answer.items()}

    def _describe(self) -> Interface:
        def specs(tensors):
            return {
                name: Spec(spec.dtype.name, tuple(spec.shape.as_list()))
                for name, spec in tensors.items()
            }

        signatures = self._signatures.items()
        return Interface(
            self.name,
            self.version,
            {name: specs(f.structured_input_signature[1]) for name, f in signatures},
            {name: specs(dict(sorted(f.structured_outputs.items()))) for name, f in signatures},
        )

    def _file_steps(self, files):
        for start in range(0, len(files), self.step_images):
            chunk = files[start : start + self.step_images]
            images = np.empty((len(chunk), *self.image_shape), np.uint8)
            for index, encoded in enumerate(chunk):
                try:
                    images[index] = self._read(encoded)
                except image_files.ImageError as error:
                    raise RequestError(
                        400, f"image {start + index} cannot be read: {error}"
                    ) from error
            yield from self.steps(DEFAULT_SIGNATURE, {"images": images})

    def _warm_up(self) -> None:
        """Runs once what answers, so that the first client does not wait for it."""
        encoded = tf.io.encode_png(np.zeros(self.image_shape, np.uint8)).numpy()
        self.predict(BYTES_SIGNATURE, {"image_bytes": np.array([encoded], object)})


def _load(folder: Path):
    try:
        return tf.saved_model.load(os.fspath(folder))
    except Exception as error:  # TensorFlow raises many kinds here, all about this one folder.
        raise UserError(f"{folder} cannot be loaded as a SavedModel: {reason(error)}") from error


def _signature_def(folder: Path) -> dict:
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = proto.meta_graphs[0].signature_def
    return {
        name: json_format.MessageToDict(
            signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, signature in sorted(signatures.items())
    }
