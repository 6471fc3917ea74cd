"""Images with several labels each, and images with numbers."""

from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np

from darts_tf import tasks
from darts_tf.networks import label_results
from train.images import Images

# Settings that are of one class an image, and of archives.
_OF_CLASSES = ("sampling", "class_weights", "image_feature", "label_feature")


class LabelledImages(Images):
    """Images of a folder with a table of what is known of each; no classes.

    Args:
        config, data: as for `Images`.
    """

    reading = (*(x for x in Images.reading if x not in _OF_CLASSES), "label_columns")
    flags = (*(name for name in Images.flags if name not in _OF_CLASSES), "label_columns")

    def _describe_labels(self) -> None:
        self.names = self._data.class_names

    def measure(self, outputs: np.ndarray, task: tasks.Task) -> dict:
        """What the outputs for the test part are worth, by label or column; JSON-ready.

        Args:
            outputs: of the network, `[N, K]`.
            task: of the data.
        """
        raise NotImplementedError


class MultiLabelImages(LabelledImages):
    """Images of which each has any of several labels."""

    flags = (*LabelledImages.flags, "class_weights")
    labels: ClassVar[str] = "labels"

    def task(self, name):
        weights = None
        if self._config.class_weights == "balanced":
            weights = label_results.positive_weights(self._data.train_labels)
        return tasks.MultiLabelClassification(len(self.names), positive_weights=weights)

    def measure(self, outputs, task):
        return label_results.of_labels(self.test.labels, outputs, self.names)


class RegressionImages(LabelledImages):
    """Images to each of which numbers belong."""

    labels: ClassVar[str] = "numbers"

    def task(self, name):
        return tasks.ImageRegression(*self._data.scaling)

    def measure(self, outputs, task):
        return label_results.of_numbers(self.test.labels, outputs, self.names, task)
