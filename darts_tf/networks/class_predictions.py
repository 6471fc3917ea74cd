"""Which class a network gives every example, and how sure it is."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.networks.network import without_training


@dataclasses.dataclass(frozen=True, eq=False)
class ClassPredictions:
    """The predicted classes of examples, in their order.

    Args:
        labels: the right classes, integers `[N]`.
        classes: the predicted ones, integers `[N]`.
        probabilities: of the predicted class, the softmax of the logits, `[N]`.
        label_probabilities: of the right class, `[N]`.
        num_classes: how many classes there are.
    """

    labels: np.ndarray
    classes: np.ndarray
    probabilities: np.ndarray
    label_probabilities: np.ndarray
    num_classes: int

    @property
    def confusion(self) -> np.ndarray:
        """How many examples of a class got which one, integers `[right class, predicted class]`."""
        found = np.zeros((self.num_classes, self.num_classes), int)
        np.add.at(found, (self.labels, self.classes), 1)
        return found

    @property
    def right(self) -> np.ndarray:
        """How many examples of every class got it, integers `[num_classes]`.

        By the examples of each class they are its recall. The accuracy of unequal classes says
        little: one that never names a class of 2 in 36 examples has 0.944.
        """
        return np.diagonal(self.confusion)

    def mistakes(self, most: int) -> np.ndarray:
        """The numbers of the wrong ones among the examples, the surest first, at most so many."""
        wrong = np.flatnonzero(self.labels != self.classes)
        order = np.argsort(-self.probabilities[wrong], kind="stable")
        return wrong[order][:most]


def predict_classes(
    network: keras.Model, data: tf.data.Dataset, num_classes: int
) -> ClassPredictions:
    """Asks a network for the class of every example.

    Args:
        network: from `build_network`.
        data: batches of (images, labels), labels integers `[batch]`.
        num_classes: how many classes there are.
    """
    task, network = tasks.ImageClassification(), without_training(network)
    found = []
    for batch in data:
        images, labels, _ = task.unpack(batch)
        labels = np.asarray(labels).ravel().astype(int)
        # In float64, in which the softmax of large logits keeps its small shares.
        logits = np.asarray(network.predict_on_batch(images), np.float64)
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        classes, rows = np.argmax(logits, axis=-1), np.arange(len(labels))
        found.append((labels, classes, shares[rows, classes], shares[rows, labels]))
    return ClassPredictions(*map(np.concatenate, zip(*found, strict=True)), num_classes)
