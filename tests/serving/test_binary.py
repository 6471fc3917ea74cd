"""Binary tensors and compressed bodies of the Open Inference Protocol over HTTP."""

import gzip
import json
import re
import struct
import zlib

import numpy as np
import pytest

from tests.serving import tiny_network
from tests.serving.conftest import MAX_BODY_BYTES

INFER = "/v2/models/tiny/infer"
LENGTH = "Inference-Header-Content-Length"
IMAGES = tiny_network.random_images(2)


def head(name="images", shape=(2, 8, 8, 1), datatype="UINT8", size=128, **body):
    """A request with one binary tensor, as values."""
    tensor = {"name": name, "shape": shape, "datatype": datatype}
    return {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}], **body}


def ask(client, body, binary=b"", headers=None):
    content = json.dumps(body).encode()
    headers = {LENGTH: str(len(content)), **(headers or {})}
    return client.post(INFER, content=content + binary, headers=headers)


def outputs(response):
    """The outputs as arrays, whatever form they have."""
    assert response.status_code == 200, response.text
    length = response.headers.get(LENGTH)
    content = response.content
    body, rest = (content, b"") if length is None else (content[: int(length)], None)
    rest = content[int(length) :] if rest is None else rest
    found = {}
    for tensor in json.loads(body)["outputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[tensor["name"]] = np.array(tensor["data"]).reshape(tensor["shape"])
            continue
        data, rest = rest[:size], rest[size:]
        if tensor["datatype"] == "BYTES":
            elements = []
            while data:
                (count,) = struct.unpack("<I", data[:4])
                elements.append(data[4 : 4 + count].decode())
                data = data[4 + count :]
            found[tensor["name"]] = np.array(elements)
        else:
            dtype = {"FP32": "<f4", "INT64": "<i8"}[tensor["datatype"]]
            found[tensor["name"]] = np.frombuffer(data, dtype).reshape(tensor["shape"])
    assert rest == b""
    return found


@pytest.fixture(scope="module")
def expected(network):
    return tiny_network.expected_probabilities(network, IMAGES)


def check(found, expected):
    assert list(found) == ["class_ids", "class_names", "probabilities"]
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    assert found["class_ids"].tolist() == expected.argmax(axis=1).tolist()
    names = [tiny_network.CLASS_NAMES[index] for index in expected.argmax(axis=1)]
    assert found["class_names"].tolist() == names


@pytest.mark.parametrize("binary_answer", [False, True])
def test_binary_in(client, expected, binary_answer):
    parameters = {"binary_data_output": True} if binary_answer else {}
    response = ask(client, head(parameters=parameters), IMAGES.tobytes())
    kind = "application/octet-stream" if binary_answer else "application/json"
    assert response.headers["content-type"] == kind
    assert (LENGTH in response.headers) == binary_answer
    check(outputs(response), expected)


def test_binary_files(client, expected):
    files = [tiny_network.encode(image) for image in IMAGES]
    data = b"".join(struct.pack("<I", len(file)) + file for file in files)
    body = head("image_bytes", [2], "BYTES", len(data), parameters={"binary_data_output": True})
    check(outputs(ask(client, body, data, {"Content-Type": "application/octet-stream"})), expected)


def test_json_in_and_binary_out(client, expected):
    tensor = {"name": "images", "shape": [2, 8, 8, 1], "datatype": "UINT8"}
    tensor["data"] = IMAGES.reshape(-1).tolist()
    body = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    check(outputs(client.post(INFER, json=body)), expected)
    # The header may say that all of it is JSON.
    check(outputs(ask(client, body)), expected)


def test_each_output_may_choose(client, expected):
    wanted = [
        {"name": "probabilities"},
        {"name": "class_ids", "parameters": {"binary_data": False}},
    ]
    body = head(outputs=wanted, parameters={"binary_data_output": True}, id="7")
    response = ask(client, body, IMAGES.tobytes())
    content = json.loads(response.content[: int(response.headers[LENGTH])])
    assert content["id"] == "7"
    shape = {"name": "probabilities", "datatype": "FP32", "shape": [2, 4]}
    assert content["outputs"][0] == {**shape, "parameters": {"binary_data_size": 32}}
    assert content["outputs"][1]["data"] == expected.argmax(axis=1).tolist()
    assert list(outputs(response)) == ["probabilities", "class_ids"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_compressed(client, expected, encoding):
    content = json.dumps(head()).encode()
    body = content + IMAGES.tobytes()
    if encoding == "gzip":
        body = gzip.compress(body)
    else:
        body = zlib.compress(body)[2:-4] if encoding.startswith("raw") else zlib.compress(body)
    headers = {LENGTH: str(len(content)), "Content-Encoding": encoding.split()[-1]}
    check(outputs(client.post(INFER, content=body, headers=headers)), expected)


BOMB = gzip.compress(bytes(50 * MAX_BODY_BYTES))
WHOLE = gzip.compress(json.dumps({"instances": IMAGES.tolist()}).encode())


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"{}", "gzip", 400, "the body is no valid gzip"),
        (b"", "gzip", 400, "is incomplete"),
        (WHOLE[:-9], "gzip", 400, "is incomplete"),
        (WHOLE + b"x", "gzip", 400, "goes on after its end"),
        (WHOLE, "deflate", 400, "the body is no valid deflate"),
        (BOMB, "gzip", 413, f"longer than {MAX_BODY_BYTES:,} bytes"),
        (WHOLE, "gzip, gzip", 415, "send the request uncompressed, or by gzip or deflate"),
    ],
)
def test_compression_that_is_refused(client, body, encoding, status, reason):
    assert len(BOMB) < MAX_BODY_BYTES
    headers = {"Content-Encoding": encoding}
    response = client.post("/v1/models/tiny:predict", content=body, headers=headers)
    assert (response.status_code, reason in response.json()["error"]) == (status, True)


def both(**more):
    (tensor,) = head()["inputs"]
    return {"inputs": [{**tensor, **more}]}


PIXELS = IMAGES.tobytes()
FILES = {"name": "image_bytes", "shape": [1], "datatype": "BYTES"}
WRONG = {
    "more bytes than said": (head(), PIXELS + b"x", "has 129 bytes after its JSON.* say 128"),
    "fewer bytes than said": (head(), PIXELS[1:], "binary_data_size 128; 127 bytes are left"),
    "no bytes": (head(), b"", "binary_data_size 128; 0 bytes are left"),
    "another size": (head(size=64), PIXELS[:64], r"has 64 bytes; its shape \[2, 8, 8, 1\].* 128"),
    "less than nothing": (head(size=-1), PIXELS, "binary_data_size -1; 128 bytes are left"),
    "a size in words": (head(size="128"), PIXELS, "is text; expected a whole number"),
    "a size that is true": (head(size=True), PIXELS, "is true or false; expected a whole number"),
    "a huge size": (head(size=10**30), PIXELS, "bytes are left"),
    "data twice": (both(data=[1]), PIXELS, "both data and a binary_data_size"),
    "parameters in a list": (both(parameters=[1]), PIXELS, "parameters of images are a list"),
    "no size": (both(parameters={}), PIXELS, "needs data: a list, or binary_data_size"),
    "yes": (head(parameters={"binary_data_output": 1}), PIXELS, "expected true or false"),
    "another type": (head(datatype="FP32"), PIXELS, "datatype 'FP32'; expected UINT8"),
    "an element beyond the end": (
        head(**FILES, size=8),
        struct.pack("<I", 5) + b"1234",
        "element 0 of the binary data of image_bytes goes beyond its end",
    ),
    "an element of 4 GB": (head(**FILES, size=4), b"\xff" * 4, "goes beyond its end"),
    "too few elements": (
        head("image_bytes", [3], "BYTES", 8),
        bytes(8),
        "3 elements, each with its length in 4 bytes before it, need more",
    ),
    "bytes after the elements": (head(**FILES, size=5), bytes(5), "1 bytes after its 1 elements"),
    "no image": (head(**FILES, size=6), b"\x02\x00\x00\x00ab", "image 0 cannot be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(client, case):
    body, binary, reason = WRONG[case]
    response = ask(client, body, binary)
    assert response.status_code == 400, response.text
    assert list(response.json()) == ["error"]
    assert re.search(reason, response.json()["error"]), response.json()["error"]


@pytest.mark.parametrize("length", ["", "-1", "1.5", "1e3", "٣", "x", "9" * 30, "+4"])
def test_a_length_that_is_no_number(client, length):
    content = json.dumps(head()).encode() + PIXELS
    response = client.post(INFER, content=content, headers={LENGTH: length.encode()})
    assert response.status_code == 400
    assert f"{LENGTH} is " in response.json()["error"]


def test_a_length_of_more_or_less_than_the_json(client):
    content = json.dumps(head()).encode() + PIXELS
    length = len(content)
    for found, reason in (
        (length + 1, f"and the body has {length} bytes only"),
        (length, "not UTF-8|not valid JSON"),
        (length - 129, "not valid JSON"),
        (0, "the request is empty"),
    ):
        response = client.post(INFER, content=content, headers={LENGTH: str(found)})
        assert response.status_code == 400
        assert re.search(reason, response.json()["error"]), response.json()["error"]


def test_binary_without_its_header(client):
    content = json.dumps(head()).encode()
    response = client.post(INFER, content=content)
    assert response.status_code == 400
    assert f"no header {LENGTH}" in response.json()["error"]
    kind = {"Content-Type": "application/octet-stream"}
    response = client.post(INFER, content=content + PIXELS, headers=kind)
    assert response.status_code == 415
    assert LENGTH in response.json()["error"]
