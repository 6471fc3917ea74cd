"""Classification of images, or of whatever else has one integer label."""

import keras
import tensorflow as tf

from darts_tf.tasks.metrics import Metric
from darts_tf.tasks.task import Task


class ImageClassification(Task):
    """Batches of `(images, labels)`: cross-entropy, ranked by the accuracy.

    Labels are integers `[batch]`, outputs are logits `[batch, classes]`.
    """

    name = "image_classification"

    def losses(self, targets, outputs) -> tf.Tensor:
        """The cross-entropy of every example in nats, `[batch]`, float32."""
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=None, dtype="float32"
        )
        return loss(targets, outputs)

    def training_losses(self, targets, outputs, label_smoothing: float = 0.0) -> tf.Tensor:
        """Cross-entropy with label smoothing.

        Szegedy et al., CVPR 2016, section 7: the target is (1 - smoothing) on the label plus
        smoothing / classes everywhere.
        """
        log_probabilities = keras.ops.log_softmax(outputs)
        labels = keras.ops.cast(targets, "int32")
        target = keras.ops.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype)
        target = (1 - label_smoothing) * target + label_smoothing / outputs.shape[-1]
        return -keras.ops.sum(target * log_probabilities, axis=-1)

    def metrics(self) -> tuple[Metric, ...]:
        """The share of the examples whose largest logit is that of their label."""
        accuracy = keras.metrics.SparseCategoricalAccuracy
        return (Metric("accuracy", accuracy, larger_is_better=True, share=True),)

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`probabilities`, float32 `[batch, classes]`, and `class_ids`, int64 `[batch]`."""
        # Softmax in float32 also for a model that computes in float16 or bfloat16.
        probabilities = tf.nn.softmax(tf.cast(outputs, tf.float32))
        class_ids = tf.argmax(probabilities, axis=-1, output_type=tf.int64)
        return {"probabilities": probabilities, "class_ids": class_ids}
