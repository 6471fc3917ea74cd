import dataclasses

import keras
import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import SeriesData
from darts_tf.networks.forecast_training import (
    ForecastRecipe,
    Forecasts,
    loss_of,
    task_of,
    train_forecaster,
)
from darts_tf.networks.forecaster import build_forecaster

ROWS = np.arange(120.0)[:, np.newaxis]
# Foreseen exactly by a linear recurrence, and badly by repeating the last value.
DATA = SeriesData("x", ("a", "b"), 50 + np.sin(ROWS * [0.5, 0.9]), (72, 96), 6, 1)
RECIPE = ForecastRecipe(epochs=30, batch_size=16, learning_rate=0.02)


def make(seed=0):
    keras.utils.set_random_seed(seed)
    return build_forecaster("gru", DATA, 8)


def test_a_loss_of_1_is_repeating_the_last_value():
    found = loss_of(task_of(DATA), DATA.targets(DATA.train), DATA.last_values(DATA.train))
    assert found == pytest.approx(1, abs=0.1)


def test_a_network_learns_what_can_be_foretold():
    network = make()
    training = train_forecaster(network, DATA, RECIPE)
    task, targets = task_of(DATA), DATA.targets(DATA.validation)
    found = Forecasts(network, DATA)(DATA.validation)
    # The network has the weights of the best epoch.
    assert loss_of(task, targets, found) == pytest.approx(training.best_loss, rel=1e-5)
    assert training.best_loss == min(training.validation_losses) < 0.1
    test = Forecasts(network, DATA)(DATA.test)
    last = DATA.last_values(DATA.test)
    measured, reference = (task.measure(DATA.targets(DATA.test), x) for x in (test, last))
    assert measured["rse"] < 0.3 * reference["rse"]


class Stop(keras.callbacks.Callback):
    """Stops after an epoch, and keeps the logs."""

    def __init__(self, epoch=None):
        super().__init__()
        self.epoch, self.records = epoch, []

    def on_epoch_end(self, epoch, logs=None):
        self.records.append(logs)
        self.model.stop_training = epoch == self.epoch


def test_a_training_that_goes_on_ends_as_one_that_was_never_stopped(tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=4)
    whole = make()
    expected = train_forecaster(whole, DATA, recipe)
    train_forecaster(make(), DATA, recipe, callbacks=[Stop(1)], checkpoint_dir=tmp_path)
    logs, network = Stop(), make(seed=1)
    found = train_forecaster(network, DATA, recipe, callbacks=[logs], checkpoint_dir=tmp_path)
    assert len(logs.records) == 2
    assert {"loss", "val_loss", "val_rse", "val_correlation"} <= set(logs.records[0])
    assert found == expected
    for one, other in zip(network.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_end_of_patience():
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-12, patience=2, epochs=20)
    training = train_forecaster(make(), DATA, recipe)
    assert len(training.validation_losses) == training.best_epoch + 2 < 20


def test_a_loss_that_is_not_finite():
    network = make()
    network.get_layer("head").dense.bias.assign([np.nan, 0])
    with pytest.raises(UserError, match="the training loss is nan in epoch 1; train with a small"):
        train_forecaster(network, DATA, RECIPE)


def test_what_cannot_be_trained():
    with pytest.raises(UserError, match="a batch of 100 examples"):
        train_forecaster(make(), DATA, dataclasses.replace(RECIPE, batch_size=100))
    with pytest.raises(UserError, match="has 0 epochs"):
        train_forecaster(make(), DATA, dataclasses.replace(RECIPE, epochs=0))
