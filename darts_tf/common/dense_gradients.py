"""Gradients of embeddings, whose rows TensorFlow leaves apart."""

from collections.abc import Iterable

import tensorflow as tf


def dense(gradients: Iterable) -> list:
    """The same gradients, each as one tensor.

    The gradient of rows that were looked up is a `tf.IndexedSlices`, in which a row that was looked
    up twice stands twice. `tf.linalg.global_norm`, `tf.clip_by_global_norm` and Keras'
    `global_clipnorm` take the squares before such rows are added, which is the norm of another
    gradient: make them dense before clipping.

    Args:
        gradients: tensors, `tf.IndexedSlices` and None.
    """
    return [None if one is None else tf.convert_to_tensor(one) for one in gradients]
