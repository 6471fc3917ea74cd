"""A forecaster for ONNX Runtime and LiteRT; its SavedModel is served in tests/serving."""

import json

import keras
import numpy as np

from darts_tf import datasets, export
from darts_tf.export.runtimes import LiteRTModel, OnnxModel
from darts_tf.networks.forecaster import build_forecaster


def test_a_window_in_a_forecast_out(tmp_path):
    keras.utils.set_random_seed(1)
    values = 100 + np.random.default_rng(0).normal(size=(60, 2)).cumsum(0)
    series = datasets.SeriesData("walk", ("a", "b"), values, (36, 48), 3, 1, "log_returns")
    model = build_forecaster("RNN_DARTS_V2", series, 3)
    made = export.export_forecaster(
        model, tmp_path, series=series.description(), formats=["onnx", "litert"]
    )
    assert [file.format for file in made.files] == ["onnx", "litert"]
    assert made.max_difference < 1e-6
    described = json.loads((made.directory / "assets" / "series.json").read_text())
    assert described["columns"] == ["a", "b"]
    windows = np.float32(values[:12].reshape(4, 3, 2))
    expected = model(windows)
    assert np.ptp(expected) > 1
    for run in (
        OnnxModel(made.directory / "model.onnx"),
        LiteRTModel(made.directory / "model.tflite"),
    ):
        np.testing.assert_allclose(run(window=windows)["forecast"], expected, rtol=1e-6)
        np.testing.assert_allclose(run(window=windows[:1])["forecast"], expected[:1], rtol=1e-6)
