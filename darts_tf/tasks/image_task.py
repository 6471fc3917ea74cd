"""What all tasks on images have in common."""

import tensorflow as tf

from darts_tf.tasks.task import Task

_WHITE = {tf.uint8: 2**8 - 1, tf.uint16: 2**16 - 1}


class ImageTask(Task):
    """Batches of `(images, targets)`.

    Images `[batch, height, width, channels]` of uint8 or uint16 are scaled to [0, 1], others are
    taken as they are.
    """

    def inputs_and_targets(self, batch):
        """The first two parts; pixels of whole numbers as float32 in [0, 1]."""
        images, targets = super().inputs_and_targets(batch)
        white = _WHITE.get(getattr(images, "dtype", None))
        if white and len(images.shape) == 4:
            images = tf.cast(images, tf.float32) / white
        return images, targets
