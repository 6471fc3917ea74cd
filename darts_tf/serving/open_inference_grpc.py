"""A request of the Open Inference Protocol over gRPC and its answer.

Tensors are in `contents`, a list of numbers or bytes, or all of them in `raw_input_contents`, as
`darts_tf.serving.raw` reads them; the answer's are in the same form.
"""

import numpy as np
from google.protobuf.message import DecodeError

from darts_tf.serving import open_inference, raw, tensors
from darts_tf.serving import open_inference_pb2 as messages
from darts_tf.serving.calls import Answer
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface, Query

# The field of `contents` of a datatype.
_FIELDS = {
    "UINT8": "uint_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "BYTES": "bytes_contents",
}


def read(model: Interface, content: bytes) -> Query:
    """Reads a `ModelInferRequest`.

    Args:
        model: the model's interface.
        content: the message.

    Raises:
        RequestError: the request is wrong.
    """
    request = parse(messages.ModelInferRequest, content)
    model.check_name(request.model_name, request.model_version)
    by_name = {tensor.name: index for index, tensor in enumerate(request.inputs)}
    if len(by_name) < len(request.inputs):
        raise RequestError(400, "two inputs have the same name; expected names of their own")
    signature = open_inference.find_signature(model, list(by_name))
    raws = request.raw_input_contents
    if raws and len(raws) != len(request.inputs):
        raise RequestError(
            400,
            f"there are {len(raws)} raw_input_contents; expected one for each of the "
            f"{len(request.inputs)} inputs, or none",
        )
    specs = model.inputs(signature)
    arrays = {
        name: _array(request.inputs[index], raws[index] if raws else None, specs[name])
        for name, index in by_name.items()
    }
    names = list(model.outputs(signature))
    wanted = [output.name for output in request.outputs]
    form = {
        "id": request.id,
        "outputs": open_inference.wanted_outputs(wanted, names) or names,
        "raw": bool(raws),
    }
    return Query.of(signature, arrays, form, json_answer=False)


def write(model: Interface, form: dict, outputs: dict[str, np.ndarray]) -> Answer:
    """The `ModelInferResponse` to a request.

    Args:
        model: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.
    """
    response = messages.ModelInferResponse(
        model_name=model.name, model_version=str(model.version), id=form["id"]
    )
    for name in form["outputs"]:
        array = outputs[name]
        datatype = open_inference.datatype_of(array)
        tensor = response.outputs.add(name=name, datatype=datatype, shape=array.shape)
        if form["raw"]:
            response.raw_output_contents.append(raw.to_bytes(array))
        else:
            raw.extend(getattr(tensor.contents, _FIELDS[datatype]), array.reshape(-1))
    return Answer(response.SerializeToString())


def parse(kind, content: bytes):
    """A message of a class.

    Raises:
        RequestError: the bytes are none.
    """
    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise RequestError(400, f"the request is no valid {kind.DESCRIPTOR.name}") from error


def _array(tensor, content: bytes | None, spec) -> tuple[np.ndarray, int]:
    name, shape = tensor.name, list(tensor.shape)
    datatype = open_inference.check_datatype(tensor.datatype, spec, name)
    tensors.check_shape(shape, spec.shape, name)
    if content is not None:
        if tensor.HasField("contents"):
            raise RequestError(
                400, f"{name} has contents, and the request raw_input_contents; send one"
            )
        return raw.array(content, spec, shape, name)
    return raw.of_typed(getattr(tensor.contents, _FIELDS[datatype]), spec, shape, name)
