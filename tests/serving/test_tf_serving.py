import base64

import numpy as np
import pytest

from tests.serving import tiny_network

PREDICT = "/v1/models/tiny:predict"


@pytest.fixture(scope="module")
def images():
    return tiny_network.random_images(3)


@pytest.fixture(scope="module")
def expected(network, images):
    return tiny_network.expected_probabilities(network, images)


def b64(image):
    return {"b64": base64.b64encode(tiny_network.encode(image)).decode()}


def post(client, body, path=PREDICT):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_status(client):
    status = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    assert client.get("/v1/models/tiny").json() == {"model_version_status": [status]}
    assert client.get("/v1/models/tiny/versions/1").json() == {"model_version_status": [status]}


def test_metadata_has_tensorflow_servings_form(client):
    answer = client.get("/v1/models/tiny/metadata").json()
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["images"]["dtype"] == "DT_UINT8"
    shape = signature["inputs"]["images"]["tensor_shape"]
    assert [size["size"] for size in shape["dim"]] == ["-1", "8", "8", "1"]
    assert shape["unknown_rank"] is False
    assert set(signature["outputs"]) == {"probabilities", "class_ids", "class_names"}


def test_row_format(client, images, expected):
    predictions = post(client, {"instances": images.tolist()})["predictions"]
    assert len(predictions) == 3
    found = np.array([row["probabilities"] for row in predictions])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert [row["class_ids"] for row in predictions] == expected.argmax(axis=1).tolist()
    assert [row["class_names"] for row in predictions] == [
        tiny_network.CLASS_NAMES[index] for index in expected.argmax(axis=1)
    ]


def test_row_format_with_named_inputs_equals_plain_rows(client, images):
    named = {"instances": [{"images": image} for image in images.tolist()]}
    assert post(client, named) == post(client, {"instances": images.tolist()})


@pytest.mark.parametrize("named", [False, True])
def test_column_format(client, images, expected, named):
    inputs = {"images": images.tolist()} if named else images.tolist()
    outputs = post(client, {"inputs": inputs})["outputs"]
    assert set(outputs) == {"probabilities", "class_ids", "class_names"}
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-6)
    assert outputs["class_ids"] == expected.argmax(axis=1).tolist()


@pytest.mark.parametrize("named", [False, True])
def test_encoded_images_give_the_same_numbers(client, images, named):
    rows = [{"image_bytes": b64(image)} if named else b64(image) for image in images]
    body = {"signature_name": "serving_bytes", "instances": rows}
    assert post(client, body) == post(client, {"instances": images.tolist()})
    body = {"signature_name": "serving_bytes", "inputs": [b64(image) for image in images]}
    assert post(client, body) == post(client, {"inputs": images.tolist()})


def test_version_in_the_address_and_empty_signature_name(client, images):
    body = {"instances": images.tolist()}
    expected = post(client, body)
    assert post(client, body, "/v1/models/tiny/versions/1:predict") == expected
    assert post(client, {**body, "signature_name": ""}) == expected


def test_curl_without_a_content_type_works(client, images):
    response = client.post(
        PREDICT,
        content=f'{{"instances": {images.tolist()}}}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response.json() == post(client, {"instances": images.tolist()})


def test_more_images_than_one_chunk(client, network):
    images = tiny_network.random_images(70)
    outputs = post(client, {"inputs": images.tolist()})["outputs"]
    np.testing.assert_allclose(
        outputs["probabilities"], tiny_network.expected_probabilities(network, images), atol=1e-6
    )
