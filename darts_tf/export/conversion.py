"""Files of ONNX and LiteRT, which Keras' exporters write."""

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from darts_tf.common import standard_error
from darts_tf.common.errors import UserError, reason
from darts_tf.export.formats import FLOAT16, INT8, Quantization

#: What begins the name of a state that an ONNX file returns: its inputs and outputs differ in name.
NEXT = "next_"
# Many images say no more about the ranges of values, and each of them takes the time of an answer.
_CALIBRATED_ON = 256


class Signature(NamedTuple):
    """A function that is exported, of one signature.

    Attributes:
        network: the Keras model whose variables it uses.
        function: from tensors in the order of `inputs` to answers by name.
        inputs: their specifications, each with a name; the first dimension is the batch's.
    """

    network: keras.Model
    function: Callable[..., dict[str, tf.Tensor]]
    inputs: Sequence[tf.TensorSpec]


class _Answers(keras.Model):
    """A `Signature` as Keras' exporters take it."""

    def __init__(self, signature: Signature):
        # The class's own name would not do: scopes of TensorFlow don't begin with an underscore.
        super().__init__(name="exported")
        self.network = signature.network
        self._function = signature.function
        # Nothing is left to build: the network is.
        self.built = True

    def call(self, *tensors):
        return self._function(*tensors)


def to_onnx(signature: Signature, path: Path) -> None:
    """Writes an ONNX file, where answers that have the name of an input begin with `NEXT`.

    Raises:
        UserError: the network cannot be converted.
    """
    _check_types(signature.network, "ONNX")
    import onnx

    given = {spec.name for spec in signature.inputs}

    def answers(*tensors):
        found = signature.function(*tensors).items()
        return {NEXT + name if name in given else name: value for name, value in found}

    with _explained("ONNX"), _quiet(), warnings.catch_warnings():
        # Keras asks NumPy for names that it once had, for tf2onnx.
        warnings.simplefilter("ignore", FutureWarning)
        _export(signature._replace(function=answers), path, format="onnx")
        # tf2onnx writes operations that it does not know as they are called in TensorFlow.
        onnx.checker.check_model(str(path))


def to_litert(signature: Signature, path: Path, quantization: Quantization | None = None) -> None:
    """Writes a LiteRT file that needs LiteRT's own operations only.

    Its loops over time are unrolled, because LiteRT's have no states of a batch of any size; so all
    dimensions of the inputs but that of the batch must be known.

    Raises:
        UserError: the network cannot be converted.
    """
    _check_types(signature.network, "LiteRT")
    operations = [tf.lite.OpsSet.TFLITE_BUILTINS]
    options = {"target_spec": {"supported_ops": operations}}
    if quantization is not None:
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if quantization is not None and quantization.kind == FLOAT16:
        options["target_spec"]["supported_types"] = [tf.float16]
    if quantization is not None and quantization.kind == INT8:
        # Integers wherever there is such an operation.
        operations.insert(0, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        options["representative_dataset"] = _examples(signature, quantization.images)
    with _explained("LiteRT"), unrolled(signature.network), warnings.catch_warnings():
        # TensorFlow's own interpreter, with which its converter calibrates.
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
        # All that is wrong is raised too.
        with standard_error.discarded():
            _export(signature, path, format="litert", **options)


@contextlib.contextmanager
def unrolled(network: keras.Model):
    """Runs recurrent layers without a loop while it is open."""
    layers = [x for x in network._flatten_layers() if isinstance(x, keras.layers.RNN)]
    before = [layer.unroll for layer in layers]
    try:
        for layer in layers:
            layer.unroll = True
        yield
    finally:
        for layer, unroll in zip(layers, before, strict=True):
            layer.unroll = unroll


def _export(signature: Signature, path: Path, **options) -> None:
    inputs = list(signature.inputs)
    _Answers(signature).export(str(path), input_signature=inputs, verbose=False, **options)


def _examples(signature: Signature, images: np.ndarray):
    chosen = np.random.default_rng(0).permutation(len(images))[:_CALIBRATED_ON]
    (spec,) = signature.inputs

    def examples():
        for i in chosen:
            yield {spec.name: images[i][np.newaxis]}

    return examples


def _check_types(network, name: str) -> None:
    types = {layer.compute_dtype for layer in network._flatten_layers()}
    if other := sorted(types & {"bfloat16", "float16"}):
        raise UserError(
            f"the network computes in {other[0]}, and {name} is exported from float32 only: train "
            "it with --precision=float32, or export a SavedModel"
        )


@contextlib.contextmanager
def _quiet():
    """Keeps to itself what tf2onnx logs, also of what it then does otherwise."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _explained(name: str):
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # Converters raise many kinds, all of them about this one network.
        raise UserError(
            f"the network cannot be converted to {name}: {_why(error):.300}; nothing was exported; "
            f"leave {name} out of the formats"
        ) from error


def _why(error: Exception) -> str:
    """The operations that LiteRT has not, which stand late in a long message, or the reason."""
    missing = re.findall(r"(?:Select|Custom) ops: (.+)", str(error))
    return f"it has no operation {', '.join(missing)}" if missing else reason(error)
