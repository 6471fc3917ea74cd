"""The answers of an exported network for images: numbers, and the names of what they are of."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import ImageClassification, ImageRegression, Task


class Answers:
    """From the outputs of a network to what the export returns.

    A class is named for each image; of several labels, or of numbers, all names come with each
    image, `[B, K]`, so that an answer explains itself.

    Args:
        task: a classification of images, of one class or several labels, or a regression.
        names: of the classes, labels or columns, K.

    Attributes:
        compared: the name of the answer that is compared with the Keras model's.
    """

    def __init__(self, task: Task, names: Sequence[str]):
        self.task = task
        self._names = tuple(names)
        self._of_class = isinstance(task, ImageClassification)
        numbers = isinstance(task, ImageRegression)
        self.compared = "values" if numbers else "probabilities"
        self._called = "class_names" if self._of_class else "names"

    def of(self, outputs) -> dict[str, tf.Tensor]:
        """The answers to a batch, by name."""
        answers = self.task.answers(outputs)
        if self._of_class:
            chosen = answers["class_ids"]
        else:
            every = tf.range(len(self._names), dtype=tf.int64)
            chosen = tf.tile(every[tf.newaxis], [tf.shape(outputs)[0], 1])
        return {**answers, self._called: tf.gather(tf.constant(self._names), chosen)}

    def difference(self, answer, outputs) -> tuple[float, bool]:
        """The largest difference of an answer from that of outputs, and whether those are finite.

        It is absolute for numbers up to 1, as probabilities are, and relative for larger ones.

        Args:
            answer: of the export, by name.
            outputs: of the Keras model.
        """
        expected = np.asarray(self.task.answers(outputs)[self.compared])
        found = np.abs(np.asarray(answer[self.compared]) - expected)
        difference = float(np.max(found / np.maximum(1, np.abs(expected))))
        return difference, bool(np.isfinite(expected).all())

    def check_names(self, format_name: str, answer) -> None:
        """Refuses an answer with other names.

        Raises:
            UserError: says which.
        """
        found = np.asarray(answer[self._called], object)
        names = [x.decode() if isinstance(x, bytes) else x for x in found.ravel().tolist()]
        if self._of_class:
            expected = np.array(self._names, object)[answer["class_ids"]].tolist()
        else:
            expected = list(self._names) * len(found)
        if names != expected:
            raise UserError(
                f"{format_name} calls the classes {names[:3]} where they are {expected[:3]}; "
                f"nothing was exported; leave {format_name} out of the formats"
            )
