"""A task's loss as Keras' `compile` takes it."""

import functools

import keras
import tensorflow as tf

from darts_tf import tasks


@keras.saving.register_keras_serializable("darts_tf")
class TaskLoss(keras.losses.Loss):
    """The mean loss of the elements that count; on several replicas, of those of each replica.

    Unlike other Keras losses it leaves the type of the targets as it is.

    Args:
        task: a name, a `Task` or a configuration; None for the classification of images.
        label_smoothing: a network is trained from scratch with `Task.training_losses` of so much
            smoothing; None: the loss is that of `Task.losses`.
    """

    def __init__(self, task=None, label_smoothing: float | None = None, name="loss", **kwargs):
        super().__init__(name=name, **{"dtype": "float32", **kwargs})
        self.task = tasks.get(task)
        self.label_smoothing = label_smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        task = self.task
        if self.label_smoothing is not None:
            smoothed = functools.partial(task.training_losses, label_smoothing=self.label_smoothing)
            task = task.with_loss(smoothed)
        loss = tf.math.divide_no_nan(*task.counted_loss(y_true, y_pred, sample_weight))
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            # Keras sums the losses of the replicas.
            loss /= replica.num_replicas_in_sync
        return loss

    def get_config(self):
        """Raises a `UserError` where the task has no name that a file could hold."""
        own = {"task": tasks.serialize(self.task), "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **own}
