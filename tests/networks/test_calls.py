"""Callbacks of Keras in the trainings that have loops of their own."""

import keras
import numpy as np
import pytest

from darts_tf.networks.calls import calls_of
from darts_tf.networks.forecast_training import ForecastRecipe, train_forecaster
from darts_tf.networks.forecaster import build_forecaster
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.language_training import LanguageRecipe, train_language_model
from tests.networks import test_forecast_training, test_language_training


def _forecaster(callbacks):
    network = build_forecaster("gru", test_forecast_training.DATA, 2)
    recipe = ForecastRecipe(epochs=2, batch_size=22)
    train_forecaster(network, test_forecast_training.DATA, recipe, callbacks=callbacks)
    return network


def _language_model(callbacks):
    model = build_language_model("gru", 3, 2, seed=0)
    recipe = LanguageRecipe(epochs=2, batch_size=4, evaluation_batch_size=4)
    train_language_model(model, test_language_training.DATA, recipe, callbacks=callbacks)
    return model


@pytest.mark.parametrize("train", [_forecaster, _language_model])
def test_callbacks_that_ask_for_the_optimizer(train, eagerly, tmp_path):
    rates = []
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    seen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(float(seen.model.optimizer.learning_rate))
    )
    model = train([schedule, seen, keras.callbacks.TensorBoard(tmp_path)])
    # That of a text is set anew for each window, by its length.
    assert train is _language_model or rates[1] == rates[0] / 2
    assert len(rates) == 2
    assert any(tmp_path.rglob("events*"))
    assert not hasattr(model, "optimizer")


def test_a_model_keeps_its_own_optimizer():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    own, other = model.optimizer, keras.optimizers.SGD()
    with pytest.raises(KeyError), calls_of([], model, other, 1, 1):
        assert model.optimizer is other
        raise KeyError
    assert model.optimizer is own
    model.fit(np.zeros((1, 2)), np.zeros((1, 1)), verbose=0)
