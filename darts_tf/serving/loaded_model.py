"""An exported network in memory, whatever it takes."""

import json
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from darts_tf.common.errors import UserError, reason
from darts_tf.serving import cells, tensors, versions
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface, Spec


class LoadedModel:
    """The newest version of an exported model; the base of those of a task.

    Args:
        directory: the folder given to the export, or one of its version folders.
        name: the model's name in addresses.

    Attributes:
        page: the file of the page for people.
        examples: what the elements of a batch are called.
        name: as given.
        version: the number of the version folder.
        genotype: the genotype as JSON-ready values, or None.
        step_images: how many examples are computed at once.
        interface: names, version and signatures, without TensorFlow.
        signature_protos: all signatures, `SignatureDef` by name.
        signature_def: the same in their JSON form.

    Raises:
        UserError: `directory` is missing or is no such export.
    """

    page: str
    examples: str
    step_images: int

    def __init__(self, directory, name: str):
        self.name = name
        folder, self.version = versions.find(directory)
        # The variables live as long as this object does; the signatures alone do not keep them.
        self._loaded = _load(folder)
        self._signatures = dict(self._loaded.signatures)
        try:
            self.interface = self._describe()
            assets = folder / "assets"
            self._read_assets(assets)
            genotype = assets / "genotype.json"
            self.genotype = json.loads(genotype.read_text()) if genotype.exists() else None
            self._warm_up()
        except (KeyError, TypeError, OSError, ValueError, RequestError) as error:
            raise UserError(
                f"{folder} is a SavedModel, but none that `python -m train.export` wrote, or it is "
                f"damaged ({error}); export the network again"
            ) from error
        self.signature_protos = _signature_protos(folder)
        self.signature_def = {
            name: json_format.MessageToDict(
                proto, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            for name, proto in self.signature_protos.items()
        }

    def _read_assets(self, assets: Path) -> None:
        """Takes what else is known of the model from the export's files."""
        raise NotImplementedError

    def _warm_up(self) -> None:
        """Runs once what answers, so that the first client does not wait for it."""
        raise NotImplementedError

    def about(self) -> dict:
        """The facts that the page shows, JSON-ready."""
        return {
            "name": self.name,
            "version": self.version,
            "genotype": self.genotype,
            "cells": cells.describe(self.genotype),
        }

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
        """Yields what `predict` returns in parts of `step_images` examples, one by one."""
        size = len(next(iter(inputs.values())))
        for start in range(0, size, self.step_images):
            rows = slice(start, start + self.step_images)
            part = {name: array[rows] for name, array in inputs.items()}
            outputs = self.run(*self.prepare(signature, part, start))
            self.check_outputs(outputs)
            yield outputs

    def prepare(self, signature: str, inputs: dict[str, np.ndarray], start: int = 0):
        """The signature that `run` computes a part of a request by, and its inputs.

        Args:
            signature, inputs: those of the request.
            start: the number of the part's first example in the request.

        Raises:
            RequestError: values cannot be used.
        """
        return signature, inputs

    def joins(self, signature: str) -> bool:
        """Whether `run` may compute the examples of several requests at once, once prepared."""
        return True

    def check_outputs(self, outputs: dict[str, np.ndarray]) -> None:
        """Raises `RequestError` if values of a request have led to no answer."""

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature on all inputs at once.

        Raises:
            RequestError: TensorFlow refuses the values.
        """
        specs = self.inputs(signature)
        feed = {name: tf.constant(array, specs[name].dtype) for name, array in inputs.items()}
        try:
            answer = self._signatures[signature](**feed)
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(400, "TensorFlow cannot use these values") from error
        return {name: np.asarray(_numpy(tensor)) for name, tensor in answer.items()}

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
            self.examples,
        )


def _numpy(tensor):
    """The values; a single text is an array of it, as others are."""
    values = tensor.numpy()
    return np.array(values, object) if isinstance(values, bytes) else values


def _load(folder: Path):
    try:
        return tf.saved_model.load(os.fspath(folder))
    except Exception as error:  # TensorFlow raises many kinds here, all about this one folder.
        raise UserError(f"{folder} cannot be loaded as a SavedModel: {reason(error)}") from error


def _signature_protos(folder: Path) -> dict:
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return dict(sorted(proto.meta_graphs[0].signature_def.items()))
