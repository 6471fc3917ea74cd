"""Weights by which every class counts the same, however many examples it has."""

import numpy as np
import tensorflow as tf


def balanced_weights(labels, num_classes: int) -> np.ndarray:
    """The weight of an example of every class: examples / (classes * examples of the class).

    As scikit-learn's "balanced" (King, Zeng, Political Analysis 2001, section 4). The mean over all
    examples is 1. Classes without an example have the weight 0, and do not count as classes.

    Args:
        labels: integers `[N]`.
        num_classes: how many classes there are.

    Returns:
        float32 `[num_classes]`.
    """
    counts = np.bincount(labels, minlength=num_classes)
    present = counts > 0
    weights = len(labels) / (present.sum() * np.maximum(counts, 1))
    return np.where(present, weights, 0).astype(np.float32)


def with_class_weights(data: tf.data.Dataset, weights: np.ndarray) -> tf.data.Dataset:
    """Batches `(images, labels, weights)` of batches `(images, labels)`.

    Args:
        data: labels are integers `[batch]`.
        weights: of every class, float32 `[classes]`.
    """

    def weigh(images, labels):
        return images, labels, tf.gather(tf.constant(weights), labels)

    return data.map(weigh, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
