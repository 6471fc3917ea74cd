import keras
import pytest

from darts_tf import tasks
from darts_tf.networks.epoch_callbacks import OfOneEpoch


class Logs(keras.callbacks.Callback):
    """Writes down what it is told."""

    def __init__(self):
        super().__init__()
        self.said = []

    def on_train_batch_end(self, batch, logs=None):
        self.said.append((batch, logs))

    def on_test_end(self, logs=None):
        self.said.append(("test", logs))

    def on_epoch_end(self, epoch, logs=None):
        self.said.append(("epoch", logs))


@pytest.mark.parametrize("auxiliary", [True, False])
def test_metrics_have_the_names_of_the_task(auxiliary):
    inputs = keras.Input([2])
    logits = keras.layers.Dense(2)(inputs)
    outputs = {"logits": logits, "auxiliary": logits} if auxiliary else logits
    logs = Logs()
    network = keras.Model(inputs, outputs)
    callback = OfOneEpoch(keras.callbacks.CallbackList([logs]), network, tasks.get())
    names = ["loss", "logits_loss", "logits_accuracy", "val_logits_accuracy"]
    told = {name: float(number) for number, name in enumerate(names)}
    callback.on_train_batch_end(3, told)
    callback.on_test_begin()
    callback.on_test_end({"logits_accuracy": 0.5})
    callback.on_epoch_end(0, told)
    callback.on_train_batch_end(4)
    of_task = ["loss", "logits_loss", "accuracy", "val_accuracy"]
    expected = dict(zip(of_task if auxiliary else names, told.values(), strict=True))
    name = "accuracy" if auxiliary else "logits_accuracy"
    assert logs.said == [(3, expected), ("test", {name: 0.5}), ("epoch", expected), (4, {})]
