"""A forecaster over both protocols, and its page."""

import json
import re

import keras
import numpy as np
import pytest
from fastapi.testclient import TestClient

from darts_tf import datasets
from darts_tf.cells.recurrent.two_input_gates import LSTM
from darts_tf.common.errors import UserError
from darts_tf.export.forecaster import export_forecaster
from darts_tf.networks.forecaster import build_forecaster
from darts_tf.serving import served
from darts_tf.serving.app import create_app
from darts_tf.serving.models import Models

PREDICT, INFER = "/v1/models/tiny:predict", "/v2/models/tiny/infer"
WINDOW, COLUMNS, HORIZON = 4, ("a", "b"), 3
#: A cell of Keras, and a chain of two-input nodes.
CELLS = {"levels": "gru", "log_returns": LSTM}


def series(transform):
    values = 100 + 0.1 * np.random.default_rng(0).normal(size=(60, 2)).cumsum(0)
    return datasets.SeriesData("walk", COLUMNS, values, (36, 48), WINDOW, HORIZON, transform)


@pytest.fixture(scope="module", params=["levels", "log_returns"])
def transform(request):
    return request.param


@pytest.fixture(scope="module")
def model(transform):
    keras.utils.set_random_seed(1)
    found = build_forecaster(CELLS[transform], series(transform), 3)
    for variable in found.trainable_variables:
        variable.assign(variable + 0.3 * np.random.default_rng(0).normal(size=variable.shape))
    return found


@pytest.fixture(scope="module")
def export(transform, model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    cell = CELLS[transform]
    genotype = None if cell == "gru" else json.dumps(cell.to_dict())
    described = series(transform).description()
    export_forecaster(model, directory, series=described, genotype_json=genotype)
    return directory


@pytest.fixture(scope="module")
def client(export):
    app = create_app(Models(served.load(export, "tiny")))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def windows(transform, rows=range(48, 51)):
    batches = datasets.series_windows(series(transform), rows)
    return np.concatenate([window for window, _ in batches])


def test_windows_in_and_forecasts_out_in_the_series_own_units(client, model, transform):
    given = windows(transform)
    expected = model(given).numpy()
    assert np.abs(expected - given[:, -1]).max() > 1e-2 and np.abs(expected - 100).max() < 50
    answer = client.post(PREDICT, json={"instances": given.tolist()}).json()
    np.testing.assert_allclose(answer["predictions"], expected, rtol=1e-6)
    columns = client.post(PREDICT, json={"inputs": {"window": given.tolist()}}).json()
    assert columns["outputs"] == answer["predictions"]
    data = given.reshape(-1).tolist()
    tensor = {"name": "window", "datatype": "FP32", "shape": list(given.shape), "data": data}
    (output,) = client.post(INFER, json={"inputs": [tensor]}).json()["outputs"]
    assert (output["name"], output["shape"]) == ("forecast", [3, 2])
    np.testing.assert_allclose(output["data"], expected.reshape(-1), rtol=1e-6)


def test_more_windows_than_a_step_computes(client, model, transform):
    given = np.tile(windows(transform), (100, 1, 1))
    answer = client.post(PREDICT, json={"instances": given.tolist()}).json()
    np.testing.assert_allclose(answer["predictions"], model(given), rtol=1e-6)


def test_metadata(client):
    found = client.get("/v2/models/tiny").json()
    window = {"name": "window", "datatype": "FP32", "shape": [-1, WINDOW, 2]}
    assert found["inputs"] == [window]
    assert found["outputs"] == [{"name": "forecast", "datatype": "FP32", "shape": [-1, 2]}]
    metadata = client.get("/v1/models/tiny/metadata").json()["metadata"]["signature_def"]
    inputs = metadata["signature_def"]["serving_default"]["inputs"]["window"]
    sizes = [int(size["size"]) for size in inputs["tensor_shape"]["dim"]]
    assert (inputs["dtype"], sizes) == ("DT_FLOAT", [-1, WINDOW, 2])


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([[[1.0, 2.0]] * 3], "window has shape [1, 3, 2]; expected [any, 4, 2]"),
        ([[[1.0, 2.0, 3.0]] * 4], "window has shape [1, 4, 3]; expected [any, 4, 2]"),
        ([[[1.0, 2.0]] * 3 + [[1.0]]], "window is ragged"),
        ([[[1.0, None]] * 4], "window contains null; expected finite numbers"),
        ([[[1.0, "2"]] * 4], "window contains text; expected finite numbers"),
        ([[[1.0, float("nan")]] * 4], "window contains a number out of range"),
        ([[[1.0, 1e39]] * 4], "window contains a number out of range"),
        ([], "instances is empty; send some windows"),
        ("1,2", "instances is text; expected a list of windows"),
    ],
)
def test_bad_windows(client, instances, reason):
    answer = client.post(PREDICT, content=json.dumps({"instances": instances}))
    assert answer.status_code == 400 and reason in answer.json()["error"]


def test_what_has_no_forecast(client, transform):
    bad = {"levels": [3e38, 3e38], "log_returns": [100.0, 0.0]}[transform]
    reason = {"levels": "no finite number", "log_returns": "window contains 0; expected numbers"}
    answer = client.post(PREDICT, json={"instances": [[[100.0, 100.0]] * 3 + [bad]]})
    assert answer.status_code == 400 and reason[transform] in answer.json()["error"]


def test_the_page(client, transform):
    page = client.get("/").text
    links = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert links == {"data:,", "static/page.css", "static/common.js", "static/forecast.js"}
    assert all(client.get(f"/{link}").status_code == 200 for link in links - {"data:,"})
    ids = set(re.findall(r'id="([^"]+)"', page))
    scripts = client.get("/static/forecast.js").text + client.get("/static/common.js").text
    assert set(re.findall(r'element\("([^"]+)"\)', scripts)) <= ids
    about = client.get("/about.json").json()
    assert (about["columns"], about["window"], about["horizon"]) == (list(COLUMNS), WINDOW, HORIZON)
    assert about["first_row"] == series(transform).values[0].tolist()
    assert about["transform"] == transform
    if transform == "levels":
        assert about["cells"] is None
        return
    (cell,) = about["cells"]["cells"]
    assert cell["nodes"][0]["edges"] == [
        "tanh from node 0 (h_{t-1})",
        "identity from node 0 (h_{t-1})",
    ]
    assert "all operations also read x_t" in about["cells"]["legend"]


def test_a_damaged_export(model, transform, tmp_path):
    export_forecaster(model, tmp_path, series=series(transform).description())
    path = tmp_path / "1" / "assets" / "series.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps({**described, "window": WINDOW + 1}))
    with pytest.raises(UserError, match=r"damaged \(series.json does not describe windows"):
        served.load(tmp_path, "tiny")


def test_a_model_of_another_series_is_not_exported(model, transform, tmp_path):
    other = {**series(transform).description(), "window": WINDOW + 1}
    with pytest.raises(UserError, match=r"windows of the shape \[None, 4, 2\], .* \[None, 5, 2\]"):
        export_forecaster(model, tmp_path, series=other)
    assert not list(tmp_path.iterdir())
