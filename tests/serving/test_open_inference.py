import base64

import numpy as np
import pytest

from tests.serving import tiny_network

INFER = "/v2/models/tiny/infer"


@pytest.fixture(scope="module")
def images():
    return tiny_network.random_images(2)


def images_tensor(images, flat=True):
    data = images.reshape(-1) if flat else images
    return {
        "name": "images",
        "shape": list(images.shape),
        "datatype": "UINT8",
        "data": data.tolist(),
    }


def infer(client, **body):
    response = client.post(INFER, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_health_and_server_metadata(client):
    assert client.get("/v2/health/live").json()["live"] is True
    assert client.get("/v2/health/ready").json()["ready"] is True
    assert client.get("/v2/models/tiny/ready").json() == {"name": "tiny", "ready": True}
    server = client.get("/v2").json()
    assert server["name"] == "darts_tf"
    assert server["extensions"] == ["binary_tensor_data"]
    assert isinstance(server["version"], str)


def test_model_metadata(client):
    answer = client.get("/v2/models/tiny").json()
    assert answer == client.get("/v2/models/tiny/versions/1").json()
    assert answer == {
        "name": "tiny",
        "versions": ["1"],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": "images", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}],
        "outputs": [
            {"name": "class_ids", "datatype": "INT64", "shape": [-1]},
            {"name": "class_names", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 4]},
        ],
    }


def test_infer(client, network, images):
    answer = infer(client, id="request 7", inputs=[images_tensor(images)])
    expected = tiny_network.expected_probabilities(network, images)
    assert answer["model_name"] == "tiny"
    assert answer["model_version"] == "1"
    assert answer["id"] == "request 7"
    outputs = {tensor["name"]: tensor for tensor in answer["outputs"]}
    assert outputs["probabilities"]["shape"] == [2, 4]
    assert outputs["probabilities"]["datatype"] == "FP32"
    np.testing.assert_allclose(outputs["probabilities"]["data"], expected.reshape(-1), atol=1e-6)
    assert outputs["class_ids"]["data"] == expected.argmax(axis=1).tolist()
    assert outputs["class_names"] == {
        "name": "class_names",
        "datatype": "BYTES",
        "shape": [2],
        "data": [tiny_network.CLASS_NAMES[index] for index in expected.argmax(axis=1)],
    }


def test_without_an_id_none_is_returned(client, images):
    assert "id" not in infer(client, inputs=[images_tensor(images)])


def test_nested_data_equals_flat_data(client, images):
    nested = infer(client, inputs=[images_tensor(images, flat=False)])
    assert nested == infer(client, inputs=[images_tensor(images)])


def test_encoded_images_give_the_same_numbers(client, images):
    data = [base64.b64encode(tiny_network.encode(image)).decode() for image in images]
    tensor = {"name": "image_bytes", "shape": [2], "datatype": "BYTES", "data": data}
    assert infer(client, inputs=[tensor]) == infer(client, inputs=[images_tensor(images)])


def test_wanted_outputs_in_the_wanted_order(client, images):
    names = ["probabilities", "class_ids"]
    answer = infer(
        client, inputs=[images_tensor(images)], outputs=[{"name": name} for name in names]
    )
    assert [tensor["name"] for tensor in answer["outputs"]] == names
