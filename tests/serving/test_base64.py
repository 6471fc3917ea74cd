import base64

import pytest

from darts_tf.serving import tensors
from darts_tf.serving.errors import RequestError
from tests.serving import tiny_network

# Of these, the alphabets differ, and there is padding.
BYTES = bytes(range(256)) + b"\xfb\xef\xff\xfe"
TEXT = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        base64.encodebytes(BYTES).decode(),
        TEXT[:76] + "\r\n" + TEXT[76:] + "\r\n",
        f" {TEXT}\t",
        base64.urlsafe_b64encode(BYTES).decode(),
        base64.urlsafe_b64encode(BYTES).decode().rstrip("="),
        f"data:image/png;base64,{TEXT}",
        f"DATA:;charset=utf-8;Base64,{TEXT}",
        f"data:;base64,{base64.urlsafe_b64encode(BYTES).decode()}",
    ],
)
def test_forms(text):
    assert tensors.decode_base64(text, "image 0") == BYTES


@pytest.mark.parametrize(
    "text, reason",
    [
        ("@@!", "image 0 is not valid base64 text"),
        ("A", "not valid base64"),
        ("AA=A", "not valid base64"),
        ("Ü", "not valid base64"),
        ("data:image/png,%89PNG", "is a data URL without ';base64,'"),
        ("data:image/png;base64", "is a data URL without"),
        (["AA=="], "is a list; expected base64 text"),
    ],
)
def test_others_are_refused(text, reason):
    with pytest.raises(RequestError) as error:
        tensors.decode_base64(text, "image 0")
    assert reason in error.value.reason


def test_both_protocols_take_a_data_url(client):
    image = tiny_network.encode(tiny_network.random_images(1)[0])
    text = "data:image/png;base64," + base64.urlsafe_b64encode(image).decode()
    expected = base64.b64encode(image).decode()
    tf_serving, open_inference = [], []
    for one in (text, expected):
        body = {"signature_name": "serving_bytes", "instances": [{"b64": one}]}
        tf_serving.append(client.post("/v1/models/tiny:predict", json=body).json())
        inputs = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [one]}
        answer = client.post("/v2/models/tiny/infer", json={"inputs": [inputs]})
        assert answer.status_code == 200, answer.text
        open_inference.append(answer.json())
    assert "predictions" in tf_serving[0] and tf_serving[0] == tf_serving[1]
    assert open_inference[0] == open_inference[1]
