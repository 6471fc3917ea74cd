"""Clients of scripts.load_server that send tensors in binary: over HTTP and over gRPC."""

import functools
import json
import struct

import grpc
import numpy as np

from darts_tf.serving import open_inference_pb2 as messages
from scripts.load_client import TIMEOUT, Client, png

_LENGTH = "Inference-Header-Content-Length"
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_PREDICT = "/tensorflow.serving.PredictionService/Predict"


def binary(client: Client):
    """A few images in the extension for binary tensors over HTTP, as pixels or files."""
    indices = client.choose(client.random.randint(1, 40))
    tensor, data = _raw(client, indices, client.random.random() < 0.5)
    tensor["parameters"] = {"binary_data_size": len(data)}
    body = {"id": str(len(indices)), "inputs": [tensor]}
    body["parameters"] = {"binary_data_output": client.random.random() < 0.7}
    head = json.dumps(body).encode()
    status, answer, headers = _post(client, head + data, str(len(head)))
    assert status == 200, answer[:200]
    length = int(headers.get(_LENGTH, len(answer)))
    content, rest = json.loads(answer[:length]), answer[length:]
    for output in content["outputs"]:
        if "data" not in output:
            size = output["parameters"]["binary_data_size"]
            output["data"] = _values(output["datatype"], rest[:size])
            rest = rest[size:]
    assert not rest
    client.check_tensors(indices, content)
    return status


def open_grpc(client: Client):
    """A few or many images over the gRPC form of the Open Inference Protocol."""
    count = client.random.choice([client.random.randint(1, 40), 2000])
    indices = client.choose(count)
    files, typed = client.random.random() < 0.3, client.random.random() < 0.3
    request = messages.ModelInferRequest(model_name=client.known.name, id=str(count))
    tensor, data = _raw(client, indices, files)
    tensor = request.inputs.add(**tensor)
    if not typed:
        request.raw_input_contents.append(data)
    elif files:
        tensor.contents.bytes_contents.extend(_values("BYTES", data, decode=False))
    else:
        tensor.contents.uint_contents.extend(data)
    answer = _call(client, _INFER, request.SerializeToString())
    answer = messages.ModelInferResponse.FromString(answer)
    assert answer.id == str(count) and bool(answer.raw_output_contents) != typed
    values = {}
    for index, output in enumerate(answer.outputs):
        if typed:
            field = {"FP32": "fp32", "INT64": "int64", "BYTES": "bytes"}[output.datatype]
            found = list(getattr(output.contents, f"{field}_contents"))
            found = [text.decode() for text in found] if field == "bytes" else found
        else:
            found = _values(output.datatype, answer.raw_output_contents[index])
        values[output.name] = found
    values["probabilities"] = np.reshape(values["probabilities"], [count, -1])
    client.check(indices, values)
    return "OK"


def predict_grpc(client: Client):
    """A few images over TensorFlow Serving's gRPC API."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    indices = client.choose(client.random.randint(1, 40))
    request = predict_pb2.PredictRequest()
    request.model_spec.name = client.known.name
    if client.random.random() < 0.5:
        request.inputs["images"].CopyFrom(tf.make_tensor_proto(client.known.images[indices]))
    else:
        request.model_spec.signature_name = "serving_bytes"
        files = [_files(client)[index] for index in indices]
        request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(files))
    answer = _call(client, _PREDICT, request.SerializeToString())
    outputs = predict_pb2.PredictResponse.FromString(answer).outputs
    values = {name: tf.make_ndarray(proto) for name, proto in outputs.items()}
    values["class_names"] = [name.decode() for name in values["class_names"]]
    client.check(indices, values)
    return "OK"


def wrong_binary(client: Client):
    """A binary request that must be refused, over HTTP."""
    tensor, data = _raw(client, client.choose(2), client.random.random() < 0.5)
    tensor["parameters"] = {"binary_data_size": len(data)}
    head = json.dumps({"inputs": [tensor]}).encode()
    body, length = client.random.choice(
        [
            (head + data[:-1], len(head)),
            (head + data + b"x", len(head)),
            (head + data, len(head) - 1),
            (head + data, len(head) + len(data) + 1),
            (head + data, "x"),
            (head + data, -1),
            (head + b"\xff" * len(data), len(head) + 1),
            (head.replace(b"_size", b"-size") + data, len(head)),
        ]
    )
    status, answer, _ = _post(client, body, str(length))
    assert status == 400 and len(json.loads(answer)["error"]) > 10, (status, answer[:200])
    return status


def wrong_grpc(client: Client):
    """A request over gRPC that must be refused, or whose client does not wait for its answer."""
    tensor, data = _raw(client, client.choose(2), False)
    request = messages.ModelInferRequest(model_name=client.known.name, raw_input_contents=[data])
    request.inputs.add(**tensor)
    good = request.SerializeToString()
    request.model_name = "other"
    other = request.SerializeToString()
    request.model_name = client.known.name
    request.raw_input_contents[0] = data[1:]
    short = request.SerializeToString()
    long = good + bytes(40 * 1024 * 1024)
    content, method, seconds, code = client.random.choice(
        [
            (good[:-5], _INFER, TIMEOUT, "INVALID_ARGUMENT"),
            (short, _INFER, TIMEOUT, "INVALID_ARGUMENT"),
            (other, _INFER, TIMEOUT, "NOT_FOUND"),
            (good, _PREDICT, TIMEOUT, "INVALID_ARGUMENT NOT_FOUND"),
            (good, _INFER + "r", TIMEOUT, "UNIMPLEMENTED"),
            (long, _INFER, TIMEOUT, "RESOURCE_EXHAUSTED"),
            (good, _INFER, 0.001, "DEADLINE_EXCEEDED OK"),
        ]
    )
    try:
        _call(client, method, content, seconds)
        found = "OK"
    except grpc.RpcError as error:
        found = error.code().name
        assert found == "UNIMPLEMENTED" or len(error.details()) > 10, error
    assert found in code.split(), (found, code, method)
    return "refused"


def _raw(client: Client, indices, files: bool):
    """A tensor without its data, and the data."""
    if files:
        data = [_files(client)[index] for index in indices]
        data = b"".join(struct.pack("<I", len(file)) + file for file in data)
        return {"name": "image_bytes", "datatype": "BYTES", "shape": [len(indices)]}, data
    images = client.known.images[indices]
    return {"name": "images", "datatype": "UINT8", "shape": images.shape}, images.tobytes()


def _values(datatype: str, data: bytes, decode: bool = True) -> list:
    if datatype != "BYTES":
        return np.frombuffer(data, {"FP32": "<f4", "INT64": "<i8"}[datatype]).tolist()
    found = []
    while data:
        end = 4 + struct.unpack("<I", data[:4])[0]
        found.append(data[4:end].decode() if decode else data[4:end])
        data = data[end:]
    return found


def _post(client: Client, body: bytes, length: str):
    client.connection.request("POST", client.v2, body, {_LENGTH: length})
    response = client.connection.getresponse()
    return response.status, response.read(), response.headers


def _call(client: Client, method: str, content: bytes, seconds: float = TIMEOUT) -> bytes:
    return _channel(client).unary_unary(method, None, None)(content, timeout=seconds)


@functools.cache
def _channel(client: Client) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{client.grpc_port}")


@functools.cache
def _files(client: Client) -> list[bytes]:
    return [png(image) for image in client.known.images]


KINDS = {
    "binary": binary,
    "open_grpc": open_grpc,
    "predict_grpc": predict_grpc,
    "wrong_binary": wrong_binary,
    "wrong_grpc": wrong_grpc,
}
