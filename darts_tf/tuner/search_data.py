"""The images of a search that is given arrays or data sets."""

import tensorflow as tf

from darts_tf import datasets
from darts_tf.errors import UserError


class SearchData:
    """The images of a search, as functions from the number of the epoch to batches.

    Args:
        x, y, validation, batch_size: see `ArchitectureTuner.search`.
        seed: of the halves and of the order of arrays.

    Attributes:
        halves: the batches for the weights and those for the alphas.
        batches: all batches.
        validation: a data set.

    Raises:
        UserError: there is no whole batch in a half.
    """

    def __init__(self, x, y, validation, batch_size, seed):
        if isinstance(x, tf.data.Dataset):
            self.halves = tuple(lambda epoch, i=i: x.shard(2, i) for i in range(2))
            self.batches = lambda epoch: x
        else:
            halves = datasets.split(x, y, 0.5, seed)
            self.halves = tuple(
                _shuffled(*half, batch_size, 2 * seed + i) for i, half in enumerate(halves)
            )
            self.batches = _shuffled(x, y, batch_size, seed)
        self.validation = validation
        if not isinstance(validation, tf.data.Dataset):
            data = tf.data.Dataset.from_tensor_slices(tuple(validation))
            self.validation = data.batch(batch_size)
        if any(int(batches(0).cardinality()) == 0 for batches in self.halves):
            raise UserError(
                "half of the training images hold no whole batch; give more images or a smaller "
                "batch size"
            )


def _shuffled(images, labels, batch_size, seed):
    """Batches in an order that depends on the seed and the epoch alone."""

    def batches(epoch):
        data = tf.data.Dataset.from_tensor_slices((images, labels))
        data = data.shuffle(len(labels), seed=10_000 * seed + epoch)
        return data.batch(batch_size, drop_remainder=True)

    return batches
