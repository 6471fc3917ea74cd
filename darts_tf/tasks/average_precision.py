"""Metrics of a classification with several labels an example, over all examples of a pass."""

import keras
import tensorflow as tf

# Logits are told apart in steps of 2 * _LARGEST / _BINS = 1/128, within the probabilities from
# 1e-7 to 1 - 1e-7.
_LARGEST, _BINS = 16.0, 4096


class MeanAveragePrecision(keras.metrics.Metric):
    """The mean over the labels of the average precision.

    Average precision is the sum over the thresholds n of (R_n - R_(n-1)) P_n, P being the precision
    and R the recall of all examples whose score is at least the threshold (Zhu, 2004; as
    scikit-learn's `average_precision_score`, without interpolation). Labels that no example of the
    pass has do not count. Logits are rounded down to multiples of 1/128, so that the examples of a
    pass need no more room than a histogram, which replicas add up.

    Args:
        labels: how many there are.
        name: of the metric.
        dtype: of its sums.
    """

    def __init__(self, labels: int, name: str = "mean_average_precision", dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self._positives, self._negatives = (
            self.add_variable((labels, _BINS), initializer="zeros", dtype=self.dtype, name=part)
            for part in ("positives", "negatives")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch: targets 0 or 1 and logits, `[batch, labels]`; weights `[batch]`."""
        targets, logits = tf.cast(y_true, self.dtype), tf.cast(y_pred, tf.float32)
        places = tf.floor((logits + _LARGEST) * (_BINS / (2 * _LARGEST)))
        places = tf.cast(tf.clip_by_value(places, 0, _BINS - 1), tf.int32)
        labels = logits.shape[-1]
        rows = tf.reshape(places + _BINS * tf.range(labels), [-1])
        weights = (
            1.0 if sample_weight is None else tf.cast(sample_weight, self.dtype)[:, tf.newaxis]
        )
        for variable, counts in (
            (self._positives, weights * targets),
            (self._negatives, weights * (1 - targets)),
        ):
            added = tf.math.unsorted_segment_sum(tf.reshape(counts, [-1]), rows, labels * _BINS)
            variable.assign_add(tf.reshape(added, [labels, _BINS]))

    def by_label(self) -> tf.Tensor:
        """The average precision of every label, `[labels]`; NaN where no example has it."""
        positives, negatives = (
            tf.reverse(tf.convert_to_tensor(variable), [1])
            for variable in (self._positives, self._negatives)
        )
        found = tf.cumsum(positives, axis=1)
        precision = tf.math.divide_no_nan(found, found + tf.cumsum(negatives, axis=1))
        return tf.reduce_sum(positives * precision, axis=1) / found[:, -1]

    def result(self):
        values = self.by_label()
        known = tf.math.is_finite(values)
        total = tf.reduce_sum(tf.where(known, values, 0))
        return tf.math.divide_no_nan(total, tf.reduce_sum(tf.cast(known, values.dtype)))


class MicroF1(keras.metrics.Metric):
    """F1 at the probability 0.5, of the labels of all examples together.

    2 TP / (2 TP + FP + FN), which is 0 where nothing is right.

    Args:
        name: of the metric.
        dtype: of its sums.
    """

    def __init__(self, name: str = "f1", dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self._right, self._all = (
            self.add_variable((), initializer="zeros", dtype=self.dtype, name=part)
            for part in ("right", "all")
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch: targets 0 or 1 and logits, `[batch, labels]`; weights `[batch]`."""
        targets = tf.cast(y_true, self.dtype)
        named = tf.cast(y_pred > 0, self.dtype)
        weights = (
            1.0 if sample_weight is None else tf.cast(sample_weight, self.dtype)[:, tf.newaxis]
        )
        self._right.assign_add(2 * tf.reduce_sum(weights * targets * named))
        self._all.assign_add(tf.reduce_sum(weights * (targets + named)))

    def result(self):
        return tf.math.divide_no_nan(*map(tf.convert_to_tensor, (self._right, self._all)))
