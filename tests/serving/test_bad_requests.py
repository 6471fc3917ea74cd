"""Every bad request gets a status 4xx with a reason, and the server lives on."""

import io
import json
import struct
import zlib

import pytest
from PIL import Image

from darts_tf.serving import tensors
from tests.serving import tiny_network
from tests.serving.conftest import MAX_BODY_BYTES
from tests.serving.good_requests import IMAGE, PNG, V1, V2, encoded, v2, valid_body


def with_pixel(value):
    image = IMAGE.tolist()
    image[3][4][0] = value
    return {"instances": [image]}


def huge_png():
    """A PNG of 60,000 x 60,000 pixels in a few bytes."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def fractions():
    buffer = io.BytesIO()
    Image.new("F", (8, 8)).save(buffer, "TIFF")
    return buffer.getvalue()


def deep():
    buffer = io.BytesIO()
    Image.new("I;16", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


V1_BODIES = {
    "no object": ([1, 2], 400, "expected a JSON object"),
    "nothing in it": ({}, 400, "neither of 'instances'"),
    "both formats": ({"instances": [1], "inputs": [1]}, 400, "both of 'instances'"),
    "instances is no list": ({"instances": 3}, 400, "instances is a whole number"),
    "no instance": ({"instances": []}, 400, "instances is empty"),
    "empty column": ({"inputs": []}, 400, "is empty"),
    "empty image": ({"instances": [[]]}, 400, "empty"),
    "a number instead of an image": ({"instances": [5]}, 400, "where a list was expected"),
    "null": ({"instances": [None]}, 400, "null where a list was expected"),
    "two levels too few": ({"instances": [[1, 2], [3, 4]]}, 400, "4 lists deep"),
    "one level too many": ({"instances": [[IMAGE.tolist()]]}, 400, "expected [any, 8, 8, 1]"),
    "wrong height": ({"instances": [IMAGE[:7].tolist()]}, 400, "shape [1, 7, 8, 1]"),
    "wrong width": ({"instances": [IMAGE[:, :7].tolist()]}, 400, "shape [1, 8, 7, 1]"),
    "ragged": ({"instances": [[[[1]], [[1], [2]]]]}, 400, "ragged"),
    "images of two sizes": ({"instances": [IMAGE.tolist(), IMAGE[:7].tolist()]}, 400, "7 to 8"),
    "256": (with_pixel(256), 400, "contains 256; expected whole numbers from 0 to 255"),
    "-1": (with_pixel(-1), 400, "contains -1;"),
    "1e400 as digits": (with_pixel(10**400), 400, "a huge number"),
    "a fraction": (with_pixel(0.5), 400, "the number 0.5"),
    "NaN": (with_pixel(float("nan")), 400, "contains nan"),
    "infinity": (with_pixel(float("inf")), 400, "contains inf"),
    "text": (with_pixel("12"), 400, "contains text"),
    "true": (with_pixel(True), 400, "contains true or false"),
    "a null pixel": (with_pixel(None), 400, "contains null"),
    "a list as pixel": (with_pixel([1]), 400, "nested too deep"),
    "an object as pixel": (with_pixel({"b64": "AA=="}), 400, "contains an object"),
    "unknown signature": ({"signature_name": "x", "instances": [1]}, 400, "no signature 'x'"),
    "signature is a number": ({"signature_name": 1, "instances": [1]}, 400, "must be text"),
    "unknown input": ({"instances": [{"pixels": IMAGE.tolist()}]}, 400, "expected images"),
    "unknown column": ({"inputs": {"pixels": [1]}}, 400, "expected images"),
    "objects and lists mixed": (
        {"instances": [{"images": IMAGE.tolist()}, IMAGE.tolist()]},
        400,
        "mixes objects",
    ),
    "bytes to the wrong signature": (
        {"instances": [{"b64": "AAAA"}]},
        400,
        "where a list was expected",
    ),
    "pixels to the bytes signature": (
        {"signature_name": "serving_bytes", "instances": [IMAGE.tolist()]},
        400,
        "0 is a list",
    ),
    "bare text": ({"signature_name": "serving_bytes", "instances": ["abc"]}, 400, "b64"),
    "no base64": (
        {"signature_name": "serving_bytes", "instances": [{"b64": "@@!"}]},
        400,
        "not valid base64",
    ),
    "b64 is a number": (
        {"signature_name": "serving_bytes", "instances": [{"b64": 3}]},
        400,
        "expected base64 text",
    ),
    "no image file": (
        encoded(b"hello"),
        400,
        "image 0 cannot be read: it is damaged or not an image",
    ),
    "empty file": (encoded(b""), 400, "image 0 cannot be read: it is damaged or not an image"),
    "second one is no image file": (encoded(PNG, b"hello"), 400, "image 1 cannot be read"),
    "truncated PNG": (encoded(PNG[:-30]), 400, "image"),
    "damaged PNG": (encoded(PNG[:50] + bytes(20) + PNG[70:]), 400, "image"),
    "truncated JPEG": (
        encoded(tiny_network.encode(tiny_network.random_images(1, 1, 64)[0], "JPEG")[:-900]),
        400,
        "image 0 cannot be read",
    ),
    "PostScript, which needs another program": (encoded(b"%!PS-Adobe-3.0"), 400, "not an image"),
    "fractions": (encoded(fractions()), 400, "image 0 cannot be read: it holds fractions"),
    "16 bits of which nobody knows": (encoded(deep()), 400, "16 bits a channel, but the network"),
    "3.6 billion pixels in a small file": (encoded(huge_png()), 413, "pixels"),
}


@pytest.mark.parametrize("case", V1_BODIES)
def test_tf_serving_bodies(client, case):
    body, status, reason = V1_BODIES[case]
    assert_refused(client.post(V1, content=json.dumps(body)), status, reason)


V2_BODIES = {
    "no object": ("text", "expected a JSON object"),
    "no inputs": ({}, "'inputs' must be a list of objects"),
    "empty inputs": ({"inputs": []}, "'inputs' must be a list of objects"),
    "input is no object": ({"inputs": [3]}, "'inputs' must be a list of objects"),
    "id is a number": ({"id": 3, **v2()}, "id is a whole number"),
    "no name": (v2(name="absent"), "no name"),
    "name is a list": (v2(name=["images"]), "no name"),
    "the same input twice": ({"inputs": v2()["inputs"] * 2}, "no name of its own"),
    "unknown name": (v2(name="pixels"), "expected image_bytes or images"),
    "no shape": (v2(shape="absent"), "needs a shape"),
    "negative size": (v2(shape=[-1, 8, 8, 1]), "needs a shape"),
    "fractional size": (v2(shape=[1.0, 8, 8, 1]), "needs a shape"),
    "wrong shape": (v2(shape=[1, 64]), "expected [any, 8, 8, 1]"),
    "no image": (v2(shape=[0, 8, 8, 1], data=[]), "empty"),
    "shape for two": (v2(shape=[2, 8, 8, 1]), "64 elements"),
    "shape for very many": (v2(shape=[10**300, 8, 8, 1]), "64 elements"),
    "wrong datatype": (v2(datatype="FP32"), "expected UINT8"),
    "no datatype": (v2(datatype="absent"), "expected UINT8"),
    "no data": (v2(data="absent"), "needs data"),
    "data is no list": (v2(data={"a": 1}), "needs data"),
    "nested otherwise": (v2(data=[[IMAGE.reshape(4, 16, 1).tolist()]]), "its shape says"),
    "nested too deep": (v2(data=[IMAGE[..., None].tolist()]), "nested too deep"),
    "nested, too small": (v2(data=[IMAGE[:7].tolist()]), "its shape says"),
    "out of range": (v2(data=[300] * 64), "contains 300"),
    "NaN": (v2(data=[float("nan")] * 64), "contains nan"),
    "text": (v2(data=["a"] * 64), "contains text"),
    "unknown output": ({"outputs": [{"name": "logits"}], **v2()}, "no output 'logits'"),
    "outputs is text": ({"outputs": "class_ids", **v2()}, "'outputs' must be a list"),
    "output without name": ({"outputs": [{}], **v2()}, "no output None"),
    "bytes without base64": (
        v2(name="image_bytes", shape=[1], datatype="BYTES", data=["ä"]),
        "not valid base64",
    ),
    "bytes are numbers": (
        v2(name="image_bytes", shape=[1], datatype="BYTES", data=[1]),
        "expected base64 text",
    ),
    "bytes are no image": (
        v2(name="image_bytes", shape=[1], datatype="BYTES", data=["AAAA"]),
        "not an image",
    ),
}


@pytest.mark.parametrize("case", V2_BODIES)
def test_open_inference_bodies(client, case):
    body, reason = V2_BODIES[case]
    assert_refused(client.post(V2, content=json.dumps(body)), 400, reason)


RAW_BODIES = {
    "empty": (b"", "empty"),
    "spaces": (b"  \n", "empty"),
    "no JSON": (b"{instances: [1]}", "not valid JSON"),
    "cut off": (b'{"instances": [[[', "not valid JSON"),
    "no UTF-8": (b'{"instances": "\xff\xfe\xfa"}', "not UTF-8"),
    "nested 50,000 deep": (b"[" * 50_000 + b"]" * 50_000, "nested far too deep"),
    "a number of 10,000 digits": (b'{"instances": ' + b"9" * 10_000 + b"}", "not valid JSON"),
}


@pytest.mark.parametrize("path", [V1, V2])
@pytest.mark.parametrize("case", RAW_BODIES)
def test_bodies_that_are_no_json(client, path, case):
    body, reason = RAW_BODIES[case]
    assert_refused(client.post(path, content=body), 400, reason)


@pytest.mark.parametrize("path", [V1, V2])
def test_too_large_a_body(client, path):
    body = b" " * (MAX_BODY_BYTES + 1)
    assert_refused(client.post(path, content=body), 413, "longer than 200,000 bytes")
    # The same without a Content-Length header, in chunks.
    chunks = (b" " * 50_000 for _ in range(5))
    assert_refused(client.post(path, content=chunks), 413, "longer than 200,000 bytes")
    assert client.post(V1, content=b" " * 1000 + valid_body()).status_code == 200


@pytest.mark.parametrize("path", [V1, V2])
def test_wrong_content_type_or_encoding(client, path):
    for content_type in ("image/png", "multipart/form-data; boundary=x", "text/html"):
        response = client.post(path, content=PNG, headers={"Content-Type": content_type})
        assert_refused(response, 415, "expected application/json")
    response = client.post(path, content=valid_body(), headers={"Content-Encoding": "br"})
    assert_refused(response, 415, "uncompressed, or by gzip or deflate")


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("POST", "/v1/models/other:predict", 404, "no model 'other'"),
        ("POST", "/v1/models/tiny/versions/2:predict", 404, "no version '2'"),
        ("POST", "/v1/models/tiny/versions/x:predict", 404, "no version 'x'"),
        ("POST", "/v1/models/tiny:classify", 404, "':predict' only"),
        ("POST", "/v1/models/tiny:regress", 404, "':predict' only"),
        ("GET", "/v1/models/tiny:predict", 404, "no model"),
        ("POST", "/v1/models/tiny", 405, "POST is not allowed"),
        ("GET", "/v1/models/other", 404, "no model 'other'"),
        ("GET", "/v1/models/other/metadata", 404, "no model 'other'"),
        ("GET", "/v1/models/tiny/versions/9/metadata", 404, "no version '9'"),
        ("POST", "/v2/models/other/infer", 404, "no model 'other'"),
        ("POST", "/v2/models/tiny/versions/3/infer", 404, "no version '3'"),
        ("GET", "/v2/models/other", 404, "no model 'other'"),
        ("GET", "/v2/models/other/ready", 404, "no model 'other'"),
        ("GET", "/v2/models/tiny/infer", 405, "GET is not allowed"),
        ("GET", "/nothing", 404, "there is nothing at '/nothing'"),
        ("GET", "/static/..%2Fapp.py", 404, "there is nothing"),
        ("DELETE", "/", 405, "DELETE is not allowed"),
    ],
)
def test_wrong_addresses(client, method, path, status, reason):
    assert_refused(client.request(method, path), status, reason)


def test_pixels_of_all_images_count_together(monkeypatch, client):
    monkeypatch.setattr(tensors, "MAX_PIXELS", 3 * 64)
    assert client.post(V1, content=json.dumps(encoded(*[PNG] * 3))).status_code == 200
    assert_refused(client.post(V1, content=json.dumps(encoded(*[PNG] * 4))), 413, "pixels")


def assert_refused(response, status, reason):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert set(answer) == {"error"}
    assert reason in answer["error"]
    assert len(answer["error"].splitlines()) == 1
    assert len(answer["error"]) < 500
