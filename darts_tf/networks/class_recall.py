"""How many examples of every class a network recognises."""

import keras
import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.networks.network import without_training


def recall_by_class(network: keras.Model, data: tf.data.Dataset, num_classes: int) -> np.ndarray:
    """The examples of every class whose largest logit is that of their class.

    The accuracy of unequal classes says little: one that never names a class of 2 in 36 examples
    has 0.944.

    Args:
        network: from `build_network`.
        data: batches of (images, labels), labels integers `[batch]`.
        num_classes: how many classes there are.

    Returns:
        Integers `[num_classes]`; by the examples of each class they are its recall.
    """
    task, network = tasks.ImageClassification(), without_training(network)
    right = np.zeros(num_classes, int)
    for batch in data:
        images, labels, _ = task.unpack(batch)
        labels = np.asarray(labels).ravel()
        found = np.argmax(network.predict_on_batch(images), axis=-1)
        right += np.bincount(labels[found == labels], minlength=num_classes)
    return right
