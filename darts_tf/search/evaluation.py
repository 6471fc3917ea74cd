"""How good a supernet is on data, with moving statistics that are measured before."""

import itertools
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf.common.lengths import one_pass
from darts_tf.runtime import recalibration
from darts_tf.runtime.grappler import without_grappler
from darts_tf.supernets.supernet import Supernet


class SupernetEvaluation:
    """Loss and accuracy of a supernet in inference mode, traced once.

    Args:
        supernet: what is evaluated.
        loss: `(labels, logits) -> [batch]`.
    """

    def __init__(self, supernet: Supernet, loss: Callable):
        self._loss = loss
        self._predict = tf.function(
            lambda images: supernet(images, training=False), reduce_retracing=True, autograph=False
        )
        self._recalibrate = recalibration.Recalibration(supernet)

    @without_grappler()
    def evaluate(self, data) -> dict[str, float]:
        """Mean loss and accuracy on batches of (images, labels).

        Raises:
            UserError: the data have no end.
        """
        loss = keras.metrics.Mean(dtype="float32")
        accuracy = keras.metrics.SparseCategoricalAccuracy(dtype="float32")
        for images, labels in one_pass("data to evaluate on", data):
            logits = self._predict(images)
            loss.update_state(self._loss(labels, logits))
            accuracy.update_state(labels, logits)
        return {"loss": float(loss.result()), "accuracy": float(accuracy.result())}

    def measure_statistics(self, data):
        """Measures the moving statistics on the first batches; returns all batches, to go through.

        In one pass: a data set that shuffles would come in another order in all later ones.
        """
        batches = one_pass("validation data", data)
        first = list(itertools.islice(batches, recalibration.BATCHES))
        self._recalibrate(images for images, _ in first)
        return itertools.chain(first, batches)
