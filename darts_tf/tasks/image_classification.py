"""Classification of images, or of whatever else has one label."""

import functools

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import keras_losses
from darts_tf.tasks.class_accuracy import ClassAccuracy, are_shares
from darts_tf.tasks.image_task import ImageTask
from darts_tf.tasks.metrics import Metric


class ImageClassification(ImageTask):
    """Batches of `(images, labels)`: cross-entropy, ranked by the accuracy.

    Labels are integers `[batch]` or `[batch, 1]`, or shares of the classes `[batch, classes]`, as
    one-hot and mixed ones are. Images `[batch, height, width, channels]` of uint8 or uint16 are
    scaled to [0, 1], others are taken as they are. Outputs are logits `[batch, classes]`.
    """

    name = "image_classification"

    def losses(self, targets, outputs) -> tf.Tensor:
        """The cross-entropy of every example in nats, `[batch]`, in float32 or better."""
        kind = keras.losses.SparseCategoricalCrossentropy
        if are_shares(targets, outputs):
            kind = keras.losses.CategoricalCrossentropy
        dtype = keras.backend.result_type(outputs.dtype, "float32")
        return kind(from_logits=True, reduction=None, dtype=dtype)(targets, outputs)

    def training_losses(self, targets, outputs, label_smoothing: float = 0.0) -> tf.Tensor:
        """Cross-entropy with label smoothing.

        Szegedy et al., CVPR 2016, section 7: the target is (1 - smoothing) on the label plus
        smoothing / classes everywhere.

        Raises:
            UserError: there is smoothing, and the losses are a user's own.
        """
        if "losses" in vars(self):
            if label_smoothing:
                raise UserError(
                    f"the label smoothing is {label_smoothing:g}, but the task has a loss of your "
                    "own; smooth the labels there"
                )
            return self.losses(targets, outputs)
        log_probabilities = keras.ops.log_softmax(outputs)
        if are_shares(targets, outputs):
            target = keras.ops.cast(targets, outputs.dtype)
        else:
            labels = keras.ops.cast(targets, "int32")
            if len(labels.shape) == len(outputs.shape):
                labels = keras.ops.squeeze(labels, -1)
            target = keras.ops.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype)
        target = (1 - label_smoothing) * target + label_smoothing / outputs.shape[-1]
        return -keras.ops.sum(target * log_probabilities, axis=-1)

    def metrics(self) -> tuple[Metric, ...]:
        """The share of the examples whose largest output is that of their label.

        With a binary cross-entropy that of the labels, of which an example may have several; with
        another loss of Keras, such as a squared error, nothing.
        """
        losses = vars(self).get("losses")
        name = None if losses is None else keras_losses.name_of(losses)
        if name in keras_losses.OF_EACH:
            least = 0.5 if keras_losses.takes_probabilities(losses) else 0.0
            right = functools.partial(_right_labels, least)
            return (Metric.mean("accuracy", right, larger_is_better=True, share=True),)
        if name in (None, *keras_losses.OF_INTEGERS, *keras_losses.OF_SHARES):
            return (Metric("accuracy", ClassAccuracy, larger_is_better=True, share=True),)
        return ()

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`probabilities`, float32 `[batch, classes]`, and `class_ids`, int64 `[batch]`."""
        # Softmax in float32 also for a model that computes in float16 or bfloat16.
        probabilities = tf.nn.softmax(tf.cast(outputs, tf.float32))
        class_ids = tf.argmax(probabilities, axis=-1, output_type=tf.int64)
        return {"probabilities": probabilities, "class_ids": class_ids}


def _right_labels(least: float, targets, outputs) -> tf.Tensor:
    return tf.equal(tf.cast(targets, tf.float32) > 0.5, outputs > least)
