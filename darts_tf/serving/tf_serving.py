"""TensorFlow Serving's REST API: status, metadata and predict.

https://www.tensorflow.org/tfx/serving/api_rest. Stricter than the original where a mistake would
otherwise pass unseen: numbers outside 0 to 255 are refused instead of wrapped.
"""

import numpy as np

from darts_tf.serving import tensors
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE, IMAGE_BYTES, Interface, Query


def status(model: Interface) -> dict:
    """The answer to `GET /v1/models/NAME`, the JSON form of `GetModelStatusResponse`."""
    return {
        "model_version_status": [
            {
                "version": str(model.version),
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def metadata(model: Interface, signature_def: dict) -> dict:
    """The answer to `GET /v1/models/NAME/metadata`, the JSON form of `GetModelMetadataResponse`.

    The doubled `signature_def` is the original's: a field that holds a proto with that one field.
    """
    return {
        "model_spec": {"name": model.name, "signature_name": "", "version": str(model.version)},
        "metadata": {"signature_def": {"signature_def": signature_def}},
    }


def read(model: Interface, body) -> Query:
    """Reads a `POST /v1/models/NAME:predict`.

    Args:
        model: the model's interface.
        body: the request as JSON values, with `instances` (row format) or `inputs` (column
            format).

    Raises:
        RequestError: the request is wrong.
    """
    if not isinstance(body, dict):
        raise RequestError(
            400,
            f"the request is {tensors.json_kind(body)}; expected a JSON object with "
            "'instances' or 'inputs'",
        )
    signature = body.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise RequestError(400, "signature_name must be text")
    signature = signature or DEFAULT_SIGNATURE
    specs = model.inputs(signature)
    if ("instances" in body) == ("inputs" in body):
        found = "both" if "inputs" in body else "neither"
        raise RequestError(
            400,
            f"the request has {found} of 'instances' (row format) and 'inputs' (column "
            "format); expected exactly one of them",
        )
    if "instances" in body and not all(spec.shape for spec in specs.values()):
        raise RequestError(
            400, f"the signature {signature!r} takes one at a time: send 'inputs' (column format)"
        )
    if "instances" in body:
        form, inputs = "instances", _rows(body["instances"], specs, model.examples)
    else:
        form, inputs = "inputs", _columns(body["inputs"], specs)
    arrays = {name: _array(inputs[name], specs[name], name) for name in specs}
    return Query.of(signature, arrays, form)


def write(model: Interface, form: str, outputs: dict[str, np.ndarray]) -> dict:
    """The answer to `POST /v1/models/NAME:predict`.

    Args:
        model: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.

    Returns:
        For `instances` an object with `predictions`, a list with one element for each image; for
        `inputs` one with `outputs`. An element is an object if the signature has several outputs,
        else the bare value.
    """
    values = {name: tensors.to_json(array) for name, array in outputs.items()}
    if len(values) == 1:
        return {"predictions" if form == "instances" else "outputs": next(iter(values.values()))}
    if form == "inputs":
        return {"outputs": values}
    rows = zip(*values.values(), strict=True)
    return {"predictions": [dict(zip(values, row, strict=True)) for row in rows]}


def _rows(instances, specs, examples: str) -> dict:
    """Turns the row format into one list for each input."""
    if not isinstance(instances, list):
        raise RequestError(
            400, f"instances is {tensors.json_kind(instances)}; expected a list of {examples}"
        )
    if not instances:
        raise RequestError(400, f"instances is empty; send some {examples}")
    named = [isinstance(row, dict) and not _is_base64(row) for row in instances]
    if not any(named) and len(specs) == 1:
        return {next(iter(specs)): instances}
    if not all(named):
        raise RequestError(
            400,
            "instances mixes objects with other values; send objects with the keys "
            f"{', '.join(specs)} only",
        )
    for index, row in enumerate(instances):
        if set(row) != set(specs):
            raise RequestError(
                400, f"instance {index} has the keys {_names(row)}; expected {', '.join(specs)}"
            )
    return {name: [row[name] for row in instances] for name in specs}


def _columns(inputs, specs) -> dict:
    """Turns the column format into one list for each input."""
    if isinstance(inputs, dict) and not _is_base64(inputs):
        if set(inputs) != set(specs):
            raise RequestError(
                400, f"inputs has the keys {_names(inputs)}; expected {', '.join(specs)}"
            )
        return inputs
    return {next(iter(specs)): inputs}


def _array(value, spec, name: str) -> tuple[np.ndarray, int]:
    shape, elements = tensors.flatten(value, len(spec.shape), name)
    tensors.check_shape(shape, spec.shape, name)
    if spec.dtype == "uint8":
        return tensors.uint8_array(elements, shape, name)
    if spec.dtype != "string":
        return tensors.number_array(elements, shape, spec.dtype, name)
    if name != IMAGE_BYTES:
        return tensors.text_array(elements, shape, name)
    for index, element in enumerate(elements):
        if not _is_base64(element):
            raise RequestError(
                400,
                f"{name} {index} is {tensors.json_kind(element)}; "
                'expected {"b64": "<the image file in base64>"}',
            )
    images = [
        tensors.decode_base64(element["b64"], f"{name} {index}")
        for index, element in enumerate(elements)
    ]
    return tensors.check_encoded_images(images)


def _is_base64(value) -> bool:
    return isinstance(value, dict) and set(value) == {"b64"}


def _names(mapping) -> str:
    return f"{', '.join(mapping) or '(none)':.200}"
