import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets, spaces, tasks
from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import SeriesData
from darts_tf.macros import ForecastingNetwork
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet


def series(columns=2, transform="levels"):
    rows = np.arange(60.0)[:, np.newaxis]
    values = 50 + rows + np.sin(rows * np.arange(1, columns + 1))
    names = tuple("abc"[:columns])
    return SeriesData("x", names, values, (36, 48), 4, 1, transform)


def supernet(data, space="darts_rnn", **options):
    space = dataclasses.replace(spaces.get(space), macro=ForecastingNetwork(data.scaling))
    columns = len(data.columns)
    return Supernet(space, (data.window, columns), columns, channels=3, cells=1, **options)


@pytest.mark.parametrize("space", ["darts_rnn", "two_input_rnn"])
@pytest.mark.parametrize("transform", ["levels", "log_returns"])
def test_a_supernet_reads_windows_and_keeps_no_state(space, transform):
    data = series(transform=transform)
    network = supernet(data, space)
    assert not network.carries_state and network.initial_state(2) is None
    windows = tf.constant(data.values[np.arange(4) + np.arange(5)[:, np.newaxis]], tf.float32)
    forecasts = network(windows)
    assert forecasts.shape == (5, 2) and forecasts.dtype == tf.float32
    # Nothing of the call before goes in.
    np.testing.assert_allclose(network(windows), forecasts, rtol=1e-6)
    if space == "two_input_rnn":  # States of the other are normalised by their batch.
        np.testing.assert_allclose(network(windows[:2]), forecasts[:2], rtol=1e-6)
    assert network.compute_output_shape((None, 4, 2)) == (None, 2)


@pytest.mark.parametrize("transform", ["levels", "log_returns"])
def test_a_network_that_says_nothing_repeats_the_last_value(transform):
    data = series(transform=transform)
    network = supernet(data)
    for variable in network.head.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    windows = tf.constant([data.values[:4], data.values[1:5]], tf.float32)
    np.testing.assert_allclose(network(windows), data.values[3:5], rtol=1e-6)


def test_the_weights_of_one_series_and_their_number():
    data = series(columns=1)
    network = supernet(data)
    count = sum(v.numpy().size for v in network.weight_variables)
    # Stem 1 * 3 + 3, W_0 (3 + 3) * 6, eight nodes of 3 * 6, head 3 + 1.
    assert count == 6 + 36 + 8 * 18 + 4


def test_a_search():
    data = series()
    search = ArchitectureSearch(
        supernet(data), "darts-v2", task=tasks.Forecasting(2, scale=data.change)
    )

    def stream(rows):
        return lambda epoch: datasets.series_batches(data, rows, 4, epoch=epoch)

    history = search.fit(stream(data.train), stream(data.validation), epochs=2, verbose=0)
    for name in ("loss", "val_loss", "val_rse", "val_correlation", "val_mae"):
        assert np.isfinite(history.history[name]).all() and len(history.history[name]) == 2
    assert list(search.genotype().cells) == ["recurrent"]
    assert search.best.value == min(history.history["val_rse"])


def test_other_shapes():
    data = series()
    space = dataclasses.replace(spaces.get("darts_rnn"), macro=ForecastingNetwork(data.scaling))
    for shape in ((4,), (4, 3), (4, 2, 1)):
        with pytest.raises(UserError, match="reads windows of 2 columns"):
            Supernet(space, shape, num_classes=2, channels=3)
    with pytest.raises(UserError, match="num_classes is 3.*forecasts 2 columns"):
        Supernet(space, (4, 2), num_classes=3, channels=3)


def test_a_method_by_name_takes_the_settings_of_the_network_that_the_supernet_has():
    data = series()
    macro = ForecastingNetwork(data.scaling)
    network = Supernet("darts_rnn", (4, 2), 2, channels=3, cells=1, macro=macro)
    task = tasks.Forecasting(2, scale=data.change)
    search = ArchitectureSearch(network, "darts-v1", task=task)
    assert search.method.weight_learning_rate == macro.search_settings.weight_learning_rate
