"""Classification of images of which each may have several labels, or none."""

import dataclasses

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks.average_precision import MeanAveragePrecision, MicroF1
from darts_tf.tasks.image_task import ImageTask
from darts_tf.tasks.metrics import Metric


@dataclasses.dataclass(frozen=True)
class MultiLabelClassification(ImageTask):
    """Batches of `(images, labels)`, labels 0 or 1, `[batch, labels]`; ranked by average precision.

    The loss is the mean over the labels of the sigmoid cross-entropy. Outputs are logits `[batch,
    labels]`. Networks are ranked by the mean average precision, which depends on no threshold and
    counts rare labels as much as frequent ones; an accuracy of labels of which most are absent is
    high for a network that never names one.

    Args:
        labels: how many there are.
        positive_weights: how much more the loss counts an image that has the label, `[labels]`;
            None for 1.
        threshold: the probability from which on an exported network says that a label is present.

    Raises:
        UserError: there are not as many weights as labels, one is not above 0, or the threshold is
            not between 0 and 1.
    """

    name = "multi_label_classification"
    labels: int = 1
    positive_weights: tuple[float, ...] | None = None
    threshold: float = 0.5

    def __post_init__(self):
        if not 0 < self.threshold < 1:
            raise UserError(f"the threshold is {self.threshold}; expected a probability, as 0.5")
        if self.positive_weights is None:
            return
        # As a file holds it.
        weights = tuple(self.positive_weights)
        object.__setattr__(self, "positive_weights", weights)
        if len(weights) != self.labels or not min(weights) > 0:
            raise UserError(
                f"the weights of {self.labels} labels are {weights!r:.100}; give a number above 0 "
                "for each"
            )

    def losses(self, targets, outputs) -> tf.Tensor:
        """The mean over the labels of the cross-entropy in nats, `[batch]`, float32 or better."""
        return self.training_losses(targets, outputs)

    def training_losses(self, targets, outputs, label_smoothing: float = 0.0) -> tf.Tensor:
        """The cross-entropy with targets that are half of the smoothing away from 0 and from 1."""
        if outputs.shape[-1] != self.labels or targets.shape[-1] != self.labels:
            raise UserError(
                f"the task {self.name!r} has {self.labels} labels; the targets have "
                f"{targets.shape[-1]} and the outputs {outputs.shape[-1]}: make it as "
                "MultiLabelClassification(labels=...)"
            )
        if outputs.dtype.size < 4:
            outputs = tf.cast(outputs, tf.float32)
        targets = tf.cast(targets, outputs.dtype)
        targets = (1 - label_smoothing) * targets + label_smoothing / 2
        weights = 1.0 if self.positive_weights is None else self.positive_weights
        found = tf.nn.weighted_cross_entropy_with_logits(
            targets, outputs, tf.constant(weights, outputs.dtype)
        )
        return tf.reduce_mean(found, axis=-1)

    def metrics(self) -> tuple[Metric, ...]:
        """The mean average precision, and F1 at the probability 0.5; see `average_precision`."""

        def of_labels(name, dtype="float32"):
            return MeanAveragePrecision(self.labels, name=name, dtype=dtype)

        return (
            Metric("mean_average_precision", of_labels, larger_is_better=True, share=True),
            Metric("f1", MicroF1, larger_is_better=True, share=True),
        )

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`probabilities`, float32 `[batch, labels]`, and `present`, int64 0 or 1, likewise."""
        probabilities = tf.sigmoid(tf.cast(outputs, tf.float32))
        present = tf.cast(probabilities >= self.threshold, tf.int64)
        return {"probabilities": probabilities, "present": present}
