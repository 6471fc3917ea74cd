"""The accuracy of a classification, whatever its labels are."""

import keras
import tensorflow as tf


def are_shares(targets, outputs) -> bool:
    """Whether labels are shares of the classes, as one-hot ones are, and no integers.

    Args:
        targets: `[batch]`, `[batch, 1]` or `[batch, classes]`; of sequences with more dimensions.
        outputs: `[batch, classes]`.
    """
    shape, classes = targets.shape, outputs.shape[-1]
    return len(shape) == len(outputs.shape) and shape[-1] == classes and classes != 1


@keras.saving.register_keras_serializable("darts_tf")
class ClassAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """The share of the examples whose largest output is that of their class.

    Labels are integers or shares of the classes, of which the largest one is the class.
    """

    def __init__(self, name: str = "accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the examples of a batch."""
        if are_shares(y_true, y_pred):
            y_true = tf.argmax(y_true, axis=-1, output_type=tf.int32)
        return super().update_state(y_true, y_pred, sample_weight)
