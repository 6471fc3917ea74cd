"""The Open Inference Protocol, version 2, over REST.

https://github.com/kserve/open-inference-protocol. The name of the input chooses the signature:
`images` (UINT8 `[B, H, W, C]`) or `image_bytes` (BYTES `[B]`, each element an image file in
base64, since JSON has no bytes). A forecaster has `window` (FP32 `[B, rows, columns]`). A language
model is chosen by all its inputs' names: `tokens`, alone or with the states, or `prompt`, `count`,
`temperature` and `seed`.
"""

import importlib.metadata
import math

import numpy as np

from darts_tf.serving import tensors
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE, IMAGE_BYTES, Interface, Query

_DATATYPES = {
    "uint8": "UINT8",
    "int32": "INT32",
    "int64": "INT64",
    "float32": "FP32",
    "string": "BYTES",
}


def server_metadata() -> dict:
    """The answer to `GET /v2`."""
    try:
        version = importlib.metadata.version("darts_tf")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return {"name": "darts_tf", "version": version, "extensions": []}


def model_metadata(model: Interface) -> dict:
    """The answer to `GET /v2/models/NAME`: the inputs and outputs of the default signature."""
    return {
        "name": model.name,
        "versions": [str(model.version)],
        "platform": "tensorflow_savedmodel",
        "inputs": _describe(model.inputs(DEFAULT_SIGNATURE)),
        "outputs": _describe(model.outputs(DEFAULT_SIGNATURE)),
    }


def read(model: Interface, body) -> Query:
    """Reads a `POST /v2/models/NAME/infer`.

    Args:
        model: the model's interface.
        body: the request as JSON values: `inputs`, and optionally `id`, which is echoed, and
            `outputs`, the names of the wanted outputs in the wanted order.

    Raises:
        RequestError: the request is wrong.
    """
    if not isinstance(body, dict):
        raise RequestError(
            400, f"the request is {tensors.json_kind(body)}; expected a JSON object with 'inputs'"
        )
    if not isinstance(body.get("id", ""), str):
        raise RequestError(400, f"id is {tensors.json_kind(body['id'])}; expected text")
    signature, arrays = _inputs(model, body.get("inputs"))
    form = {"outputs": _wanted_outputs(body.get("outputs"), list(model.outputs(signature)))}
    if "id" in body:
        form["id"] = body["id"]
    return Query.of(signature, arrays, form)


def write(model: Interface, form: dict, outputs: dict[str, np.ndarray]) -> dict:
    """The answer to `POST /v2/models/NAME/infer`.

    Args:
        model: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.
    """
    response = {"model_name": model.name, "model_version": str(model.version)}
    if "id" in form:
        response["id"] = form["id"]
    response["outputs"] = [_tensor(name, outputs[name]) for name in form["outputs"]]
    return response


def _describe(specs) -> list[dict]:
    return [
        {
            "name": name,
            "datatype": _DATATYPES[spec.dtype],
            "shape": [-1 if size is None else size for size in spec.shape],
        }
        for name, spec in specs.items()
    ]


def _inputs(model, inputs) -> tuple[str, dict[str, tuple[np.ndarray, int]]]:
    by_name = {}
    for index, tensor in enumerate(_list_of_objects(inputs, "inputs")):
        name = tensor.get("name")
        if not isinstance(name, str) or name in by_name:
            raise RequestError(400, f"input {index} has no name of its own; expected text")
        by_name[name] = tensor
    signatures = {name: model.inputs(name) for name in model.signatures}
    for signature, specs in signatures.items():
        if set(specs) == set(by_name):
            return signature, {
                name: _array(tensor, specs[name], name) for name, tensor in by_name.items()
            }
    choices = " or ".join(" with ".join(specs) for specs in signatures.values())
    raise RequestError(400, f"the inputs are named {list(by_name)!r:.200}; expected {choices}")


def _array(tensor, spec, name) -> tuple[np.ndarray, int]:
    datatype = _DATATYPES[spec.dtype]
    received = tensor.get("datatype")
    if received != datatype:
        raise RequestError(400, f"{name} has the datatype {received!r:.100}; expected {datatype}")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(400, f"{name} needs a shape: a list of whole numbers from 0")
    tensors.check_shape(shape, spec.shape, name)
    elements = _elements(tensor.get("data"), shape, name)
    if datatype == "UINT8":
        return tensors.uint8_array(elements, shape, name)
    if datatype != "BYTES":
        return tensors.number_array(elements, shape, spec.dtype, name)
    if name != IMAGE_BYTES:
        return tensors.text_array(elements, shape, name)
    images = [tensors.decode_base64(text, f"{name} {index}") for index, text in enumerate(elements)]
    return tensors.check_encoded_images(images)


def _elements(data, shape, name) -> list:
    """The elements of tensor data, which may be flat or nested as its shape says."""
    if not isinstance(data, list):
        raise RequestError(400, f"{name} needs data: a list (binary data is not supported)")
    if data and isinstance(data[0], list):
        nested_shape, elements = tensors.flatten(data, len(shape), name)
        if nested_shape != shape:
            raise RequestError(
                400, f"the data of {name} is nested as {nested_shape}, but its shape says {shape}"
            )
        return elements
    if len(data) != math.prod(shape):
        raise RequestError(
            400,
            f"the data of {name} has {len(data)} elements, which is not what its shape "
            f"{shape!r:.100} needs",
        )
    return data


def _wanted_outputs(outputs, names) -> list[str]:
    if outputs is None:
        return names
    wanted = [output.get("name") for output in _list_of_objects(outputs, "outputs")]
    for index, name in enumerate(wanted):
        if name not in names:
            raise RequestError(
                400, f"there is no output {name!r:.100}; this model has: {', '.join(names)}"
            )
        if name in wanted[:index]:
            raise RequestError(400, f"the output {name!r} is wanted twice; name it once")
    return wanted


def _list_of_objects(value, what) -> list[dict]:
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise RequestError(400, f"'{what}' must be a list of objects and not empty")
    return value


def _tensor(name, array) -> dict:
    datatype = "BYTES" if array.dtype == object else _DATATYPES[array.dtype.name]
    flat = tensors.to_json(array.reshape(-1))
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": flat}
