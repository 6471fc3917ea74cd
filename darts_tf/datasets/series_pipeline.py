"""The windows of a series as batches."""

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import SeriesData
from darts_tf.datasets.splits import permutation

_EVALUATION_BATCH = 256


def series_batches(
    data: SeriesData, rows: range, batch_size: int, *, seed: int = 0, epoch: int = 0
) -> tf.data.Dataset:
    """The batches of one epoch of a training, in an order that seed and epoch decide.

    Args:
        data: the series.
        rows: what is foretold, such as `data.train`.
        batch_size: examples of a batch; those that are left over are in no batch of this epoch.
        seed, epoch: of the order.

    Returns:
        Batches of `(windows, targets)`, float32 `[batch_size, window, columns]` and `[batch_size,
        columns]`, in the data's own units.

    Raises:
        UserError: a batch is larger than the part.
    """
    _check(rows, batch_size)
    order = rows.start + permutation(len(rows), seed, epoch)
    return _batches(data, order[: len(order) // batch_size * batch_size], batch_size)


def series_windows(data: SeriesData, rows: range, batch_size: int | None = None) -> tf.data.Dataset:
    """Batches in the order of time.

    Args:
        data: the series.
        rows: what is foretold.
        batch_size: of batches that all have one size, those that are left over in none; None for
            batches of any size that hold all examples.

    Returns:
        As `series_batches`; with None as the batch's size the first dimension is unknown.

    Raises:
        UserError: a batch is larger than the part.
    """
    order = np.arange(rows.start, rows.stop)
    if batch_size is None:
        return _batches(data, order, None)
    _check(rows, batch_size)
    return _batches(data, order[: len(order) // batch_size * batch_size], batch_size)


def _check(rows, batch_size) -> None:
    if not 1 <= batch_size <= len(rows):
        raise UserError(
            f"a batch of {batch_size:,} examples of a part that has {len(rows):,}: choose a number "
            "from 1 to that"
        )


def _batches(data, order, batch_size) -> tf.data.Dataset:
    columns, window = len(data.columns), data.window
    back = np.arange(window) - data.first

    @tf.autograph.experimental.do_not_convert
    def gather(rows):
        # The series stays outside the graph: as a constant in it it would be copied every epoch.
        def found(rows):
            known = data.values[rows[:, np.newaxis] + back]
            return known.astype(np.float32), data.values[rows].astype(np.float32)

        batch = tf.numpy_function(found, [rows], [tf.float32, tf.float32], stateful=False)
        batch[0].set_shape([batch_size, window, columns])
        batch[1].set_shape([batch_size, columns])
        return tuple(batch)

    size = batch_size or min(_EVALUATION_BATCH, len(order))
    dataset = tf.data.Dataset.from_tensor_slices(order).batch(size).map(gather)
    options = tf.data.Options()
    # There are no files to share out among workers: each takes its part of the batch.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
