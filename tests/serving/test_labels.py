"""Networks for images that answer with several labels, or with numbers."""

import base64
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from darts_tf import export
from darts_tf.common.errors import UserError
from darts_tf.export.answers import Answers
from darts_tf.serving import served
from darts_tf.serving.app import create_app
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models
from darts_tf.tasks import ImageRegression, MultiLabelClassification
from tests.serving import tiny_network

NAMES = ["sea", "sky", "Bäume", "sand"]
TASKS = {
    "labels": MultiLabelClassification(4, threshold=0.6),
    "numbers": ImageRegression((10.0, 20.0, 3000.0, 0.0), (1.0, 2.0, 500.0, 1e-3)),
}
CROPS = {"multi_label_classification": None, "image_regression": 0.8}


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


@pytest.fixture(scope="module", params=TASKS)
def known(request, network, tmp_path_factory):
    """The task, and a client of a server of its export."""
    task, folder = TASKS[request.param], tmp_path_factory.mktemp("labels") / "model"
    arguments = {**tiny_network.arguments(), "class_names": NAMES}
    found = export.export_model(network, folder, task=task, crop=CROPS[task.name], **arguments)
    assert found.max_difference < 1e-5 and found.checked_files == 8
    app = create_app(Models(served.load(folder, "tiny")), Limits())
    with TestClient(app) as client:
        yield task, client


def outputs(network, images):
    mean, std = np.float32(tiny_network.MEAN[1]), np.float32(tiny_network.STD[1])
    return network((images / np.float32(255) - mean) / std, training=False)


def test_answers(known, network):
    task, client = known
    images = tiny_network.random_images(3)
    files = [_file(image, CROPS[task.name]) for image in images]
    body = {"signature_name": "serving_bytes", "instances": [{"b64": file} for file in files]}
    answers = client.post("/v1/models/tiny:predict", json=body).json()["predictions"]
    expected = {k: v.numpy() for k, v in task.answers(outputs(network, images)).items()}
    for number, answer in enumerate(answers):
        assert answer["names"] == NAMES and set(answer) == {"names", *expected}
        for name, values in expected.items():
            np.testing.assert_allclose(answer[name], values[number], rtol=1e-5, atol=1e-6)
    body = {"inputs": {"images": images.tolist()}}
    columns = client.post("/v1/models/tiny:predict", json=body).json()["outputs"]
    assert columns["names"] == [NAMES] * 3
    request = {
        "inputs": [
            {
                "name": "images",
                "datatype": "UINT8",
                "shape": list(images.shape),
                "data": images.ravel().tolist(),
            }
        ]
    }
    found = client.post("/v2/models/tiny/infer", json=request).json()["outputs"]
    found = {one["name"]: one for one in found}
    assert found["names"]["shape"] == [3, 4] and found["names"]["data"] == NAMES * 3


def _file(image, crop):
    """A file of which the network sees the image, with or without a border around it."""
    if crop is not None:
        image = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    return base64.b64encode(tiny_network.encode(image)).decode()


def test_about_says_the_task(known):
    task, client = known
    about = client.get("/about.json").json()
    assert about["task"] == task.name and about["class_names"] == NAMES
    script = client.get("/static/page.js").text
    assert f'"{task.name}"' in script and "showNumbers(answer)" in script


def test_names_of_a_format_are_checked():
    answers = Answers(TASKS["labels"], NAMES)
    right = np.array([[name.encode() for name in NAMES]] * 2, object)
    answers.check_names("onnx", {"names": right})
    with pytest.raises(UserError, match="onnx calls the classes"):
        answers.check_names("onnx", {"names": right[:, ::-1]})


def test_numbers_are_compared_by_their_size():
    task, outputs = TASKS["numbers"], np.array([[0.0, 0, 0, 0]], np.float32)
    exact = task.answers(outputs)["values"].numpy()
    found = Answers(task, NAMES).difference({"values": exact + [0, 0, 30, 1e-3]}, outputs)
    assert found == (pytest.approx(0.01), True)
    broken = np.full_like(outputs, np.nan)
    assert not Answers(task, NAMES).difference({"values": exact}, broken)[1]


def test_tasks_without_answers(network, tmp_path):
    arguments = {**tiny_network.arguments(), "class_names": NAMES}
    with pytest.raises(UserError, match="export_network takes any"):
        export.export_model(network, tmp_path / "model", task="forecasting", **arguments)


@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_arguments_of_a_run(kind, tmp_path):
    description = {
        **{"name": "sea", "image_shape": [8, 8, 1], "class_names": NAMES, "mean": [0.5]},
        **{"std": [0.2], "flip": False, "bit_depth": None, "train_examples": 9},
        **{"test_examples": 2, "kind": kind, "fingerprint": {}},
        **{"means": [1, 2, 3, 4], "deviations": [1, 1, 1, 0.5]},
    }
    (tmp_path / "data.json").write_text(json.dumps(description))
    task = {"labels": "multi_label_classification", "numbers": "image_regression"}[kind]
    (tmp_path / "config.json").write_text(json.dumps({"task": task}))
    found = export.arguments_of(tmp_path)["task"]
    expected = {
        "labels": MultiLabelClassification(4),
        "numbers": ImageRegression((1, 2, 3, 4), (1, 1, 1, 0.5)),
    }
    assert found == expected[kind]
