"""Requests of TensorFlow Serving's gRPC API and their answers: predict, metadata, status.

https://www.tensorflow.org/tfx/serving. A tensor is in `tensor_content`, its bytes, or in the list
of its type (`int_val`, `float_val`, ...), whose last number stands for all that are not there; the
answer's are in lists, as TensorFlow Serving's are.
"""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

from darts_tf.serving import open_inference, raw, tensors
from darts_tf.serving.calls import Answer
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE, Interface, Query
from darts_tf.serving.open_inference_grpc import parse

# The list of a type.
_FIELDS = {
    "uint8": "int_val",
    "int32": "int_val",
    "int64": "int64_val",
    "float32": "float_val",
    "string": "string_val",
}
# So many numbers at most are made of a shorter list of several; of one they take no memory.
_MOST_REPEATED = 2**20
_AVAILABLE = get_model_status_pb2.ModelVersionStatus.State.AVAILABLE


def read(model: Interface, content: bytes) -> Query:
    """Reads a `PredictRequest`.

    Args:
        model: the model's interface.
        content: the message.

    Raises:
        RequestError: the request is wrong.
    """
    request = parse(predict_pb2.PredictRequest, content)
    _check(model, request.model_spec)
    signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
    specs = model.inputs(signature)
    if set(request.inputs) != set(specs):
        names = ", ".join(request.inputs) or "(none)"
        raise RequestError(400, f"inputs has the keys {names:.200}; expected {', '.join(specs)}")
    arrays = {name: _array(request.inputs[name], spec, name) for name, spec in specs.items()}
    names = list(model.outputs(signature))
    wanted = open_inference.wanted_outputs(list(request.output_filter), names)
    form = {"signature": signature, "outputs": wanted or names}
    return Query.of(signature, arrays, form, json_answer=False)


def write(model: Interface, form: dict, outputs: dict[str, np.ndarray]) -> Answer:
    """The `PredictResponse` to a request.

    Args:
        model: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.
    """
    response = predict_pb2.PredictResponse()
    _specify(response.model_spec, model, form["signature"])
    for name in form["outputs"]:
        array, proto = outputs[name], response.outputs[name]
        kind = "string" if array.dtype == object else array.dtype.name
        proto.dtype = tf.as_dtype(kind).as_datatype_enum
        for size in array.shape:
            proto.tensor_shape.dim.add(size=size)
        raw.extend(getattr(proto, _FIELDS[kind]), array.reshape(-1))
    return Answer(response.SerializeToString())


def metadata(model, content: bytes) -> bytes:
    """The `GetModelMetadataResponse` to a `GetModelMetadataRequest`.

    Args:
        model: the `darts_tf.serving.loaded_model.LoadedModel`.
        content: the request.

    Raises:
        RequestError: the request is wrong.
    """
    request = parse(get_model_metadata_pb2.GetModelMetadataRequest, content)
    _check(model.interface, request.model_spec)
    if list(request.metadata_field) != ["signature_def"]:
        raise RequestError(
            400,
            f"metadata_field is {list(request.metadata_field)!r:.100}; expected ['signature_def']",
        )
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    _specify(response.model_spec, model.interface, "")
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, proto in model.signature_protos.items():
        found.signature_def[name].CopyFrom(proto)
    response.metadata["signature_def"].Pack(found)
    return response.SerializeToString()


def status(model, content: bytes) -> bytes:
    """The `GetModelStatusResponse` to a `GetModelStatusRequest`.

    Args:
        model, content: see `metadata`.

    Raises:
        RequestError: the request is wrong.
    """
    request = parse(get_model_status_pb2.GetModelStatusRequest, content)
    _check(model.interface, request.model_spec)
    response = get_model_status_pb2.GetModelStatusResponse()
    found = response.model_version_status.add(version=model.version, state=_AVAILABLE)
    found.status.SetInParent()
    return response.SerializeToString()


def _check(model: Interface, spec) -> None:
    if spec.version_label:
        raise RequestError(
            400, f"version_label is {spec.version_label!r:.100}; this server has versions only"
        )
    version = str(spec.version.value) if spec.HasField("version") else ""
    model.check_name(spec.name, version)


def _specify(spec, model: Interface, signature: str) -> None:
    spec.name, spec.signature_name = model.name, signature
    spec.version.value = model.version


def _kind(number: int) -> str:
    names = types_pb2.DataType
    return names.Name(number) if number in names.values() else str(number)


def _array(proto, spec, name: str) -> tuple[np.ndarray, int]:
    expected = tf.as_dtype(spec.dtype).as_datatype_enum
    if proto.dtype != expected:
        found, expected = _kind(proto.dtype), _kind(expected)
        raise RequestError(400, f"{name} has the type {found}; expected {expected}")
    if proto.tensor_shape.unknown_rank:
        raise RequestError(400, f"{name} has no shape")
    shape = [dim.size for dim in proto.tensor_shape.dim]
    tensors.check_shape(shape, spec.shape, name)
    if proto.tensor_content and spec.dtype != "string":
        return raw.array(proto.tensor_content, spec, shape, name)
    field, count = getattr(proto, _FIELDS[spec.dtype]), math.prod(shape)
    if 0 < len(field) < count and spec.dtype != "string":
        if count > tensors.MAX_PIXELS:
            raise RequestError(
                413, f"{name} has more than {tensors.MAX_PIXELS:,} numbers; send fewer"
            )
        given, _ = raw.of_typed(field, spec, [len(field)], name)
        if len(given) == 1:
            return np.broadcast_to(given.reshape([1] * len(shape)), shape), count
        if count > _MOST_REPEATED:
            raise RequestError(
                413,
                f"{name} has {len(given):,} numbers, of which the last stands for the others of "
                f"{count:,}; that is for at most {_MOST_REPEATED:,}: send all",
            )
        rest = np.full(count - len(given), given[-1], given.dtype)
        return np.concatenate([given, rest]).reshape(shape), count
    return raw.of_typed(field, spec, shape, name)
