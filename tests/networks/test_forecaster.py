import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.costs.counted import parameters
from darts_tf.datasets.series_data import SeriesData
from darts_tf.networks.forecaster import build_forecaster, units_of_size

ROWS = np.arange(60.0)[:, np.newaxis]
DATA = SeriesData("x", ("a", "b"), 50 + ROWS + np.sin(ROWS * [1, 2]), (36, 48), 4, 1)


def test_the_number_of_parameters():
    # Dense 2 * 3 + 3, LSTM 4 * (3 * 3 + 3 * 3 + 3), dense 3 * 2 + 2.
    assert parameters(build_forecaster("lstm", DATA, 3)) == 9 + 84 + 8
    # W_0 (3 + 3) * 6 and eight nodes of 3 * 6.
    assert parameters(build_forecaster("RNN_DARTS_V2", DATA, 3)) == 9 + 36 + 144 + 8
    assert parameters(build_forecaster("lstm", DATA, 3, layers=2)) == 9 + 2 * 84 + 8


@pytest.mark.parametrize("cell", ["lstm", "gru", "RNN_DARTS_V1", "random:two_input_rnn:1"])
@pytest.mark.parametrize("transform", ["levels", "log_returns"])
def test_forecasts_in_own_units_from_a_file(tmp_path, cell, transform):
    data = dataclasses.replace(DATA, transform=transform)
    network = build_forecaster(cell, data, 3)
    windows = tf.constant(data.values[np.newaxis, :4], tf.float32)
    found = network(windows)
    assert found.shape == (1, 2)
    change = found[0] - data.values[3]
    assert (np.abs(change) < 5 * np.array(data.change)).all()
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again(windows), found, rtol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "RNN_DARTS_V2"])
def test_the_units_of_a_size(cell):
    size = parameters(build_forecaster(cell, DATA, 13))
    assert units_of_size(cell, DATA, size) == 13
    assert units_of_size(cell, DATA, size + 1) == 13
    assert units_of_size(cell, DATA, 0) == 1


def test_what_is_no_forecaster():
    with pytest.raises(UserError, match="RNN_DARTS_V1.*or lstm or gru"):
        build_forecaster("elman", DATA)
    with pytest.raises(UserError, match="a recurrent cell alone"):
        build_forecaster(genotypes.get("DARTS_V2"), DATA)
    with pytest.raises(UserError, match="units must be at least 1, got 0"):
        build_forecaster("lstm", DATA, 0)
    with pytest.raises(UserError, match="layers must be at least 1, got 0"):
        build_forecaster("lstm", DATA, layers=0)
