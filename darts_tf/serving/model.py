"""An exported network in memory, ready to predict."""

import json
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from darts_tf.errors import UserError
from darts_tf.serving import versions
from darts_tf.serving.errors import RequestError

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
BYTES_SIGNATURE = "serving_bytes"
# Bounds the memory of a request's activations, whatever the number of its images.
_CHUNK = 32


class ServedModel:
    """The newest version of a model that `darts_tf.export.export_model` wrote.

    Args:
        directory: the folder given to `export_model`, or one of its version folders.
        name: the model's name in addresses.

    Attributes:
        name: as given.
        version: the number of the version folder.
        class_names: the K names of the classes.
        image_shape: `(H, W, C)`.
        genotype: the genotype as JSON-ready values, or None.
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
            self.image_shape = tuple(self.inputs(DEFAULT_SIGNATURE)["images"].shape[1:])
            self.inputs(BYTES_SIGNATURE)["image_bytes"]
            assets = folder / "assets"
            # Not splitlines(): it also splits at characters that a class name may hold.
            text = (assets / "labels.txt").read_text(encoding="utf-8")
            self.class_names = text.removesuffix("\n").split("\n")
            genotype = assets / "genotype.json"
            self.genotype = json.loads(genotype.read_text()) if genotype.exists() else None
            self._warm_up()
        except (KeyError, OSError, ValueError, RequestError) as error:
            raise UserError(
                f"{folder} is a SavedModel, but none that `python -m train.export` wrote, or it is "
                f"damaged ({error}); export the network again"
            ) from error
        self.signature_def = _signature_def(folder)

    @property
    def signatures(self) -> list[str]:
        """The names of the signatures."""
        return sorted(self._signatures)

    def inputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """The inputs of a signature by name.

        Raises:
            RequestError: there is no such signature.
        """
        if signature not in self._signatures:
            raise RequestError(
                400,
                f"there is no signature {signature!r:.200}; this model has: "
                + ", ".join(self.signatures),
            )
        return dict(self._signatures[signature].structured_input_signature[1])

    def outputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """The outputs of a signature by name, sorted."""
        return dict(sorted(self._signatures[signature].structured_outputs.items()))

    def predict(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature on a batch.

        Args:
            signature: its name.
            inputs: one array for each input, as `inputs(signature)` says, with B >= 1.

        Returns:
            One array `[B, ...]` for each output, sorted by name.

        Raises:
            RequestError: TensorFlow refuses the values, for example a damaged image file.
        """
        function = self._signatures[signature]
        specs = self.inputs(signature)
        size = len(next(iter(inputs.values())))
        chunks = []
        for start in range(0, size, _CHUNK):
            feed = {
                name: tf.constant(array[start : start + _CHUNK], specs[name].dtype)
                for name, array in inputs.items()
            }
            try:
                answer = function(**feed)
            except tf.errors.InvalidArgumentError as error:
                if signature != BYTES_SIGNATURE:
                    raise RequestError(400, "TensorFlow cannot use these values") from error
                which = "image 0" if size == 1 else "one of the images"
                raise RequestError(
                    400, f"{which} cannot be decoded; the PNG or JPEG file is damaged"
                ) from error
            chunks.append({name: tensor.numpy() for name, tensor in answer.items()})
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in sorted(answer)}

    def _warm_up(self) -> None:
        """Runs both signatures once, so that the first client does not wait for it."""
        image = np.zeros(self.image_shape, np.uint8)
        encoded = tf.io.encode_png(image).numpy()
        self.predict(DEFAULT_SIGNATURE, {"images": image[np.newaxis]})
        self.predict(BYTES_SIGNATURE, {"image_bytes": np.array([encoded], object)})


def _load(folder: Path):
    try:
        return tf.saved_model.load(os.fspath(folder))
    except Exception as error:  # TensorFlow raises many kinds here, all about this one folder.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{folder} cannot be loaded as a SavedModel: {reason}") from error


def _signature_def(folder: Path) -> dict:
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = proto.meta_graphs[0].signature_def
    return {
        name: json_format.MessageToDict(
            signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, signature in sorted(signatures.items())
    }
