"""A language model over both protocols, and its page."""

import base64
import json
import re

import keras
import numpy as np
import pytest
from fastapi.testclient import TestClient

from darts_tf.common.errors import UserError
from darts_tf.export.language_model import export_language_model
from darts_tf.networks.language_model import build_language_model
from darts_tf.serving import served
from darts_tf.serving.app import create_app
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models
from darts_tf.serving.text_model import MOST

VOCABULARIES = {"characters": ("\n", " ", "a", "b", "é"), "words": ("<eos>", "the", "cat", "sat")}
PREDICT, INFER = "/v1/models/tiny:predict", "/v2/models/tiny/infer"


@pytest.fixture(scope="module", params=["characters", "words"])
def unit(request):
    return request.param


@pytest.fixture(scope="module")
def model(unit):
    keras.utils.set_random_seed(1)
    found = build_language_model("gru", len(VOCABULARIES[unit]), 3)
    for variable in found.trainable_variables:
        variable.assign(20 * variable)
    return found


@pytest.fixture(scope="module")
def client(unit, model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    export_language_model(model, directory, vocabulary=VOCABULARIES[unit], unit=unit)
    app = create_app(Models(served.load(directory, "tiny")), Limits(answer_values=2000))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def generate(client, **changes):
    inputs = {"prompt": "\n", "count": 5, "temperature": 1.0, "seed": 3, **changes}
    return client.post(PREDICT, json={"signature_name": "generate", "inputs": inputs})


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def probabilities(logits):
    powers = np.exp(np.asarray(logits) - np.max(logits, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_probabilities_of_each_next_token(client, model):
    tokens = [[0, 1, 2], [3, 2, 1]]
    expected = probabilities(model(np.array(tokens, "int32"))[0])
    answer = client.post(PREDICT, json={"instances": tokens}).json()
    np.testing.assert_allclose(answer["predictions"], expected, atol=1e-6)
    request = {"inputs": [tensor("tokens", "INT32", [2, 3], tokens)]}
    (output,) = client.post(INFER, json=request).json()["outputs"]
    assert output["shape"] == list(expected.shape)
    np.testing.assert_allclose(output["data"], expected.reshape(-1), atol=1e-6)


def test_the_state_goes_in_and_comes_out(client, model):
    whole = probabilities(model(np.array([[0, 1, 2, 3]], "int32"))[0])
    state, found = [[0.0] * 3], []
    for tokens in ([[0, 1]], [[2, 3]]):
        answer = client.post(
            PREDICT,
            json={
                "signature_name": "serving_state",
                "inputs": {"tokens": tokens, "state_0": state},
            },
        ).json()["outputs"]
        state, found = answer["state_0"], [*found, *answer["probabilities"][0]]
    np.testing.assert_allclose(found, whole[0], atol=1e-6)


def test_a_text_that_goes_on(client, unit):
    answer = generate(client).json()["outputs"]
    assert generate(client).json()["outputs"] == answer
    known = VOCABULARIES[unit]
    if unit == "characters":
        assert answer["text"] == "".join(known[token] for token in answer["tokens"])
    assert len(answer["tokens"]) == 5
    others = {generate(client, seed=seed).json()["outputs"]["text"] for seed in range(8)}
    assert len(others) > 1
    best = {generate(client, seed=s, temperature=0).json()["outputs"]["text"] for s in range(4)}
    assert len(best) == 1
    request = {
        "inputs": [
            tensor("prompt", "BYTES", [], ["\n"]),
            tensor("count", "INT32", [], [5]),
            tensor("temperature", "FP32", [], [1]),
            tensor("seed", "INT32", [], [3]),
        ]
    }
    outputs = {o["name"]: o["data"] for o in client.post(INFER, json=request).json()["outputs"]}
    assert outputs == {"text": [answer["text"]], "tokens": answer["tokens"]}


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": "zebra"}, "which the vocabulary has not"),
        ({"prompt": 3}, "prompt is a whole number; expected text"),
        ({"prompt": {"b64": base64.b64encode(b"\xff").decode()}}, "prompt is no text in UTF-8"),
        ({"count": -1}, f"count is -1; expected 0 to {MOST}"),
        ({"count": MOST + 1}, f"count is {MOST + 1}; expected 0 to {MOST}"),
        ({"count": 1.5}, "count contains a decimal number"),
        ({"count": 2**40}, "count contains a number out of range"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": "hot"}, "temperature contains text"),
        ({"temperature": float("nan")}, "temperature contains a number out of range"),
        ({"seed": None}, "seed contains null"),
        ({"count": [1]}, "count"),
    ],
)
def test_bad_requests_to_write(client, changes, reason):
    inputs = {"prompt": "\n", "count": 5, "temperature": 1.0, "seed": 3, **changes}
    answer = client.post(
        PREDICT, content=json.dumps({"signature_name": "generate", "inputs": inputs})
    )
    assert answer.status_code == 400 and reason in answer.json()["error"]


@pytest.mark.parametrize(
    "request_, status, reason",
    [
        ({"instances": [[99]]}, 400, "tokens contains 99; expected 0 to "),
        ({"instances": [[-1]]}, 400, "tokens contains -1"),
        ({"instances": [[]]}, 400, "empty"),
        ({"instances": [["a"]]}, 400, "tokens contains text"),
        ({"instances": [[0] * 600]}, 413, "send fewer texts at a time"),
        ({"signature_name": "generate", "instances": [{}]}, 400, "send 'inputs'"),
        (
            {
                "signature_name": "serving_state",
                "inputs": {"tokens": [[0]], "state_0": [[0.0] * 3] * 2},
            },
            400,
            "of different numbers of texts",
        ),
    ],
)
def test_bad_requests_to_foretell(client, request_, status, reason):
    answer = client.post(PREDICT, json=request_)
    assert answer.status_code == status and reason in answer.json()["error"]


def test_the_page(client, unit):
    page = client.get("/").text
    links = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert links == {"data:,", "static/page.css", "static/common.js", "static/text.js"}
    assert all(client.get(f"/{link}").status_code == 200 for link in links - {"data:,"})
    ids = set(re.findall(r'id="([^"]+)"', page))
    scripts = client.get("/static/text.js").text + client.get("/static/common.js").text
    assert set(re.findall(r'element\("([^"]+)"\)', scripts)) <= ids
    about = client.get("/about.json").json()
    size = len(VOCABULARIES[unit])
    assert (about["unit"], about["vocabulary_size"], about["most"]) == (unit, size, MOST)


def test_a_damaged_export(unit, model, tmp_path):
    export_language_model(model, tmp_path, vocabulary=VOCABULARIES[unit], unit=unit)
    (tmp_path / "1" / "assets" / "text.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        served.load(tmp_path, "tiny")
