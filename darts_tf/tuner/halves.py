"""The two halves of a `tf.data.Dataset`, whatever the order that it comes in."""

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError


def halves(data: tf.data.Dataset, seed: int = 0) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Divides the examples of a data set in two that share none, in every pass over it.

    Which half an example belongs to is decided once, by its content: the examples of a class, in
    the order of a keyed hash, go to the halves in turn. So a data set may be shuffled anew in each
    pass, as `keras.utils.image_dataset_from_directory` does, and a process that goes on with a
    search cuts as the one before it did. Two passes over the data are made for it; what is kept of
    an example is 8 bytes. Equal examples belong to the same half.

    Args:
        data: finite batches of `(images, labels)`, labels integers `[B]`.
        seed: decides which examples go where.

    Returns:
        Two data sets with equally many whole batches of the size of `data`'s first one, each in the
        order in which `data` comes.

    Raises:
        UserError: the data have no end, are empty, or two passes over them give other examples.
    """
    if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise UserError("the training data set repeats for ever; use .take(n) before .repeat()")
    size = next((len(labels) for _, labels in data.take(1)), 0)
    if not size:
        raise UserError("the training data set is empty; give at least two batches")
    examples = data.unbatch().map(
        lambda image, label: (_key(image, label, seed), image, label),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    keys, labels = _read(examples)
    if not np.array_equal(np.sort(keys), np.sort(_read(examples)[0])):
        raise UserError(
            "two passes over the training data set give other examples, so it cannot be cut into "
            "the weights' and the alphas' half. If it is shuffled and batched with "
            "drop_remainder=True, leave that out: halves drop their own remainders. If it augments "
            "at random, give arrays, or a darts_tf.tuner.SearchData whose halves are augmented "
            "after they were cut"
        )
    order = np.lexsort((keys, labels))
    # Equal examples have one key: the first of them decides.
    distinct, first = np.unique(keys[order], return_index=True)
    half_of = np.searchsorted(np.sort(first), first) % 2
    half_by_key = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(distinct, half_of.astype(np.int64)), default_value=-1
    )
    members = half_of[np.searchsorted(distinct, keys)]
    batches = min(int(np.sum(members == half)) for half in range(2)) // size

    def take(half):
        chosen = examples.filter(lambda key, image, label: half_by_key.lookup(key) == half)
        chosen = chosen.map(lambda key, image, label: (image, label))
        chosen = chosen.batch(size, drop_remainder=True).take(batches)
        return chosen.apply(tf.data.experimental.assert_cardinality(batches))

    return take(0), take(1)


def _key(image, label, seed):
    content = tf.strings.join([tf.io.serialize_tensor(image), tf.io.serialize_tensor(label)])
    return tf.strings.to_hash_bucket_strong(content, 2**62, key=[seed, 0])


def _read(examples):
    """The keys and the labels of one pass, int64 `[N]`."""
    pairs = examples.map(lambda key, image, label: (key, tf.cast(label, tf.int64))).batch(4096)
    read = list(pairs.as_numpy_iterator())
    return tuple(np.concatenate(part) for part in zip(*read, strict=True))
