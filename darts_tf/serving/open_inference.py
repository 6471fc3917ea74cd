"""The Open Inference Protocol, version 2: names, types and what they choose.

https://github.com/kserve/open-inference-protocol. The name of the input chooses the signature:
`images` (UINT8 `[B, H, W, C]`) or `image_bytes` (BYTES `[B]`, each element an image file, in JSON
in base64, since that has no bytes). A forecaster has `window` (FP32 `[B, rows, columns]`). A
language model is chosen by all its inputs' names: `tokens`, alone or with the states, or `prompt`,
`count`, `temperature` and `seed`.

This is what REST and gRPC have in common; `darts_tf.serving.open_inference_rest` and
`open_inference_grpc` read and write.
"""

import importlib.metadata

import numpy as np

from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE, Interface

_EXTENSIONS = ["binary_tensor_data"]
#: The protocol's names of types.
DATATYPES = {
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
    return {"name": "darts_tf", "version": version, "extensions": _EXTENSIONS}


def model_metadata(model: Interface) -> dict:
    """The answer to `GET /v2/models/NAME`: the inputs and outputs of the default signature."""
    return {
        "name": model.name,
        "versions": [str(model.version)],
        "platform": "tensorflow_savedmodel",
        "inputs": _describe(model.inputs(DEFAULT_SIGNATURE)),
        "outputs": _describe(model.outputs(DEFAULT_SIGNATURE)),
    }


def _describe(specs) -> list[dict]:
    return [
        {
            "name": name,
            "datatype": DATATYPES[spec.dtype],
            "shape": [-1 if size is None else size for size in spec.shape],
        }
        for name, spec in specs.items()
    ]


def find_signature(model: Interface, names: list[str]) -> str:
    """The signature that takes inputs of these names.

    Raises:
        RequestError: none does.
    """
    signatures = {name: model.inputs(name) for name in model.signatures}
    for signature, specs in signatures.items():
        if set(specs) == set(names):
            return signature
    choices = " or ".join(" with ".join(specs) for specs in signatures.values())
    raise RequestError(400, f"the inputs are named {names!r:.200}; expected {choices}")


def check_datatype(received, spec, name: str) -> str:
    """The datatype of an input, which must be the one that was received."""
    datatype = DATATYPES[spec.dtype]
    if received != datatype:
        raise RequestError(400, f"{name} has the datatype {received!r:.100}; expected {datatype}")
    return datatype


def datatype_of(array: np.ndarray) -> str:
    """The datatype of an output."""
    return "BYTES" if array.dtype == object else DATATYPES[array.dtype.name]


def wanted_outputs(wanted: list, names: list[str]) -> list[str]:
    """The names of the outputs that a request lists.

    Raises:
        RequestError: there is no such output, or it is listed twice.
    """
    for index, name in enumerate(wanted):
        if name not in names:
            raise RequestError(
                400, f"there is no output {name!r:.100}; this model has: {', '.join(names)}"
            )
        if name in wanted[:index]:
            raise RequestError(400, f"the output {name!r} is wanted twice; name it once")
    return wanted
