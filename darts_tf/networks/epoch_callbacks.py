"""The events that callbacks get where Keras' `fit` is called for every epoch anew."""

import keras

from darts_tf.tasks import Task

# What Keras puts before a metric's name where a network has several outputs.
_OUTPUT = "logits_"


class OfOneEpoch(keras.callbacks.Callback):
    """Hands on what `fit` says of an epoch to callbacks for which the training is a single one.

    With an auxiliary head the metrics of the network's answers have the task's names all the same:
    `accuracy` and `val_accuracy`. `loss` is of both, `logits_loss` and `auxiliary_loss` are parts.

    Args:
        calls: the callbacks.
        network: that is trained, perhaps with an auxiliary head.
        task: its metrics are renamed.
    """

    def __init__(self, calls: keras.callbacks.CallbackList, network: keras.Model, task: Task):
        super().__init__()
        self._calls = calls
        self._names = {}
        if isinstance(network.output, dict):
            for metric in task.metrics():
                for split in ("", "val_"):
                    self._names[f"{split}{_OUTPUT}{metric.name}"] = f"{split}{metric.name}"
        for name in (
            *("on_epoch_begin", "on_train_batch_begin"),
            *("on_test_begin", "on_test_batch_begin", "on_test_batch_end"),
        ):
            setattr(self, name, getattr(calls, name))

    def _named(self, logs):
        return logs and {self._names.get(name, name): value for name, value in logs.items()}

    def on_epoch_end(self, epoch, logs=None):
        self._calls.on_epoch_end(epoch, self._named(logs))

    def on_train_batch_end(self, batch, logs=None):
        self._calls.on_train_batch_end(batch, self._named(logs))

    def on_test_end(self, logs=None):
        self._calls.on_test_end(self._named(logs))
