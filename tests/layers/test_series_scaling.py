import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.layers.series_scaling import ForecastHead, ScaledWindow

WINDOW = np.array([[[1.0, 8.0], [2.0, 4.0], [4.0, 4.0]]], np.float32)


def identity(layer):
    """The layer with a dense part that changes nothing."""
    layer.dense.kernel.assign(tf.eye(2))
    return layer


def test_levels_and_log_returns_are_scaled_by_column():
    layer = ScaledWindow(2, "levels", center=(1, 2), deviation=(2, 4))
    assert layer(WINDOW).shape == (1, 3, 2) == layer.compute_output_shape((1, 3, 2))
    np.testing.assert_allclose(identity(layer)(WINDOW)[0], [[0, 1.5], [0.5, 0.5], [1.5, 0.5]])
    layer = ScaledWindow(2, "log_returns", center=(0, 0), deviation=(np.log(2), np.log(2)))
    assert layer(WINDOW).shape == (1, 2, 2) == layer.compute_output_shape((1, 3, 2))
    np.testing.assert_allclose(identity(layer)(WINDOW)[0], [[1, -1], [1, 0]], atol=1e-6)


def test_a_forecast_is_a_change_of_the_last_row():
    outputs = tf.constant([[[9.0, 9.0], [1.0, -0.5]]])
    layer = ForecastHead("levels", change=(0.5, 2))
    layer([outputs, WINDOW])
    np.testing.assert_allclose(identity(layer)([outputs, WINDOW]), [[4.5, 3]])
    layer = ForecastHead("log_returns", change=(np.log(2), np.log(4)))
    layer([outputs, WINDOW])
    np.testing.assert_allclose(identity(layer)([outputs, WINDOW]), [[8, 2]], rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_own_units_stay_in_float32(policy):
    """Of 1234.5 there would be 1232 in bfloat16."""
    windows = tf.fill([1, 3, 2], 1234.5)
    head = ForecastHead("levels", change=(1, 1), dtype=policy)
    head([tf.zeros([1, 3, 2]), windows])
    np.testing.assert_array_equal(head([tf.zeros([1, 3, 2]), windows]), [[1234.5, 1234.5]])
    stem = ScaledWindow(2, "levels", center=(1234, 1234), deviation=(1, 1), dtype=policy)
    stem(windows)
    found = identity(stem)(windows)
    assert found.dtype == stem.compute_dtype
    np.testing.assert_array_equal(tf.cast(found, tf.float32), np.full((1, 3, 2), 0.5))


@pytest.mark.parametrize("transform", ["levels", "log_returns"])
def test_layers_in_a_file(tmp_path, transform):
    windows = keras.Input((3, 2))
    seen = ScaledWindow(4, transform, center=(1, 2), deviation=(2, 4))(windows)
    model = keras.Model(windows, ForecastHead(transform, change=(0.5, 2))([seen, windows]))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(WINDOW), model(WINDOW))


def test_another_transform():
    with pytest.raises(UserError, match="unknown transform of a series 'log'"):
        ForecastHead("log", change=(1,))
