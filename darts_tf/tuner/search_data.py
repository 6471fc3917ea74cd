"""The images of a trial of `ArchitectureTuner`."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from darts_tf import datasets
from darts_tf.errors import UserError

Batches = Callable[[int], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class SearchData:
    """Batches of (images, labels), as functions from the number of the epoch where it matters.

    Args:
        halves: those that the search trains the weights with, and those for the alphas.
        batches: those that train the derived network.
        validation: what scores the derived network.

    Raises:
        UserError: there is no whole batch in a half.
    """

    halves: tuple[Batches, Batches]
    batches: Batches
    validation: tf.data.Dataset

    def __post_init__(self):
        if any(int(batches(0).cardinality()) == 0 for batches in self.halves):
            raise UserError(
                "half of the training images hold no whole batch; give more images or a smaller "
                "batch size"
            )

    @classmethod
    def of(cls, x, y, validation, batch_size: int, seed: int) -> "SearchData":
        """From arrays or data sets: the arguments of `ArchitectureTuner.search`.

        Args:
            x, y, validation, batch_size: see there.
            seed: of the halves and of the order of arrays.
        """
        if isinstance(x, tf.data.Dataset):
            halves = tuple(lambda epoch, i=i: x.shard(2, i) for i in range(2))

            def batches(epoch):
                return x
        else:
            halves = tuple(
                _shuffled(*half, batch_size, 2 * seed + i)
                for i, half in enumerate(datasets.split(x, y, 0.5, seed))
            )
            batches = _shuffled(x, y, batch_size, seed)
        if not isinstance(validation, tf.data.Dataset):
            validation = tf.data.Dataset.from_tensor_slices(tuple(validation)).batch(batch_size)
        return cls(halves, batches, validation)


def _shuffled(images, labels, batch_size, seed) -> Batches:
    """Batches in an order that depends on the seed and the epoch alone."""

    def batches(epoch):
        data = tf.data.Dataset.from_tensor_slices((images, labels))
        data = data.shuffle(len(labels), seed=10_000 * seed + epoch)
        return data.batch(batch_size, drop_remainder=True)

    return batches
