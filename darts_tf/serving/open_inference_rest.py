"""A request of the Open Inference Protocol over HTTP and its answer, in JSON or with binary data.

With the extension for binary tensor data a body is JSON and then the bytes of those inputs that
have `binary_data_size` among their parameters, one after the other; see `darts_tf.serving.raw`. An
answer is the same for the outputs that ask for it, by `binary_data` among theirs or
`binary_data_output` among the request's.
"""

import math

import numpy as np

from darts_tf.serving import messages, open_inference, raw, tensors
from darts_tf.serving.calls import Answer
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import IMAGE_BYTES, Interface, Query

#: The header that says how many bytes of a body are JSON.
LENGTH_HEADER = "Inference-Header-Content-Length"


def json_length(headers) -> int | None:
    """How many bytes of a body are JSON by its headers; None if they do not say.

    Raises:
        RequestError: they say no number.
    """
    text = headers.get(LENGTH_HEADER)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise RequestError(
            400,
            f"{LENGTH_HEADER} is {text!r:.100}; expected how many bytes of the body are JSON",
        )
    return int(text)


def read(json_length: int | None, model: Interface, content: bytes) -> Query:
    """Reads a `POST /v2/models/NAME/infer`.

    Args:
        json_length: how many bytes of it are JSON, if a header says so.
        model: the model's interface.
        content: the body: an object with `inputs`, and optionally `id`, which is echoed,
            `outputs`, the wanted outputs in the wanted order, and `parameters`.

    Raises:
        RequestError: the request is wrong.
    """
    if json_length is None:
        return _read(model, messages.parse(content), None)
    if json_length > len(content):
        raise RequestError(
            400,
            f"{LENGTH_HEADER} is {json_length}, and the body has {len(content):,} bytes only",
        )
    return _read(model, messages.parse(content[:json_length]), _Rest(content, json_length))


def _read(model: Interface, body, rest: "_Rest | None") -> Query:
    if not isinstance(body, dict):
        raise RequestError(
            400, f"the request is {tensors.json_kind(body)}; expected a JSON object with 'inputs'"
        )
    if not isinstance(body.get("id", ""), str):
        raise RequestError(400, f"id is {tensors.json_kind(body['id'])}; expected text")
    signature, arrays = _inputs(model, body.get("inputs"), rest)
    if rest:
        rest.check_end()
    all_binary = _parameter(body, "binary_data_output", bool, False, "the request")
    names = list(model.outputs(signature))
    if "outputs" in body and body["outputs"] is not None:
        listed = _list_of_objects(body["outputs"], "outputs")
        wanted = open_inference.wanted_outputs([output.get("name") for output in listed], names)
        binary = [
            name
            for name, output in zip(wanted, listed, strict=True)
            if _parameter(output, "binary_data", bool, all_binary, f"the output {name}")
        ]
    else:
        wanted, binary = names, names if all_binary else []
    form = {"outputs": wanted, "binary": binary}
    if "id" in body:
        form["id"] = body["id"]
    return Query.of(signature, arrays, form, json_answer=len(binary) < len(wanted))


def write(model: Interface, form: dict, outputs: dict[str, np.ndarray]) -> Answer:
    """The answer to `POST /v2/models/NAME/infer`.

    Args:
        model: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.
    """
    response = {"model_name": model.name, "model_version": str(model.version)}
    if "id" in form:
        response["id"] = form["id"]
    binary = {name: raw.to_bytes(outputs[name]) for name in form["binary"]}
    response["outputs"] = [
        _tensor(name, outputs[name], binary.get(name)) for name in form["outputs"]
    ]
    head = messages.to_bytes(response)
    if not binary:
        return Answer(head)
    content = b"".join([head, *binary.values()])
    return Answer(content, {LENGTH_HEADER: str(len(head))}, "application/octet-stream")


def _inputs(model, inputs, rest) -> tuple[str, dict[str, tuple[np.ndarray, int]]]:
    by_name = {}
    for index, tensor in enumerate(_list_of_objects(inputs, "inputs")):
        name = tensor.get("name")
        if not isinstance(name, str) or name in by_name:
            raise RequestError(400, f"input {index} has no name of its own; expected text")
        by_name[name] = tensor
    signature = open_inference.find_signature(model, list(by_name))
    specs = model.inputs(signature)
    return signature, {
        name: _array(tensor, specs[name], name, rest) for name, tensor in by_name.items()
    }


def _array(tensor, spec, name, rest) -> tuple[np.ndarray, int]:
    datatype = open_inference.check_datatype(tensor.get("datatype"), spec, name)
    shape = tensor.get("shape")
    tensors.check_shape(shape, spec.shape, name)
    size = _parameter(tensor, "binary_data_size", int, None, name)
    if size is not None:
        if "data" in tensor:
            raise RequestError(400, f"{name} has both data and a binary_data_size; send one")
        if rest is None:
            raise RequestError(
                400,
                f"{name} has a binary_data_size, and the request no header {LENGTH_HEADER}, which "
                "says how many bytes of the body are JSON",
            )
        return raw.array(rest.take(size, name), spec, shape, name)
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
        raise RequestError(400, f"{name} needs data: a list, or binary_data_size")
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


def _list_of_objects(value, what) -> list[dict]:
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise RequestError(400, f"'{what}' must be a list of objects and not empty")
    return value


def _tensor(name, array, binary: bytes | None) -> dict:
    datatype = open_inference.datatype_of(array)
    head = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if binary is not None:
        return head | {"parameters": {"binary_data_size": len(binary)}}
    return head | {"data": tensors.to_json(array.reshape(-1))}


class _Rest:
    """The binary data after a request's JSON."""

    def __init__(self, content: bytes, start: int):
        self._left = memoryview(content)[start:]
        self._taken = 0

    def take(self, size: int, name: str) -> memoryview:
        """The next `size` bytes."""
        if not 0 <= size <= len(self._left):
            raise RequestError(
                400,
                f"{name} has the binary_data_size {size}; {len(self._left):,} bytes are left of "
                "the body after its JSON and the inputs before",
            )
        found, self._left = self._left[:size], self._left[size:]
        self._taken += size
        return found

    def check_end(self) -> None:
        """Refuses bytes that belong to no input."""
        if len(self._left):
            raise RequestError(
                400,
                f"the body has {len(self._left) + self._taken:,} bytes after its JSON, and the "
                f"inputs' binary_data_size say {self._taken:,}",
            )


def _parameter(owner: dict, name: str, kind: type, default, what: str):
    """A parameter of a request or of one of its tensors."""
    parameters = owner.get("parameters")
    if parameters is None:
        return default
    if not isinstance(parameters, dict):
        raise RequestError(
            400, f"the parameters of {what} are {tensors.json_kind(parameters)}; expected an object"
        )
    value = parameters.get(name, default)
    if value is not default and type(value) is not kind:
        expected = {bool: "true or false", int: "a whole number"}[kind]
        raise RequestError(
            400, f"{name} of {what} is {tensors.json_kind(value)}; expected {expected}"
        )
    return value
