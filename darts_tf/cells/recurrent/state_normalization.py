"""Batch normalisation of the states of a relaxed recurrent cell."""

import tensorflow as tf

from darts_tf.common.errors import UserError

#: Added to the variance, as in the authors' code.
EPSILON = 1e-5


def normalized(values, valid=None) -> tf.Tensor:
    """Values batch normalised, without scale and offset, by their own statistics.

    Every state of a relaxed cell is, at its own time step, in training and in inference alike.
    Moving statistics, by which the authors' code of DARTS evaluates a supernet, do not do for
    states that feed back. By its batch a state stays within sqrt(batch - 1), whatever the cell
    makes of it; by constants it has no bound: highways and the identity pass a state on that has
    once become large, division by less than what they multiply it by makes it larger, and a step
    has nine of them, a text thousands of steps. It happens with random weights and with the exact
    means of training's statistics, and sooner with moving ones, which are of earlier weights. (In
    the authors' code all states share one variance, mostly that of the last node, which is larger.)

    The arithmetic is plain, so that its second derivative is right. It may run inside a loop.

    Args:
        values: `[batch, units]`.
        valid: `[batch, 1]`, 1 for the examples that count and 0 for others; None for all.

    Returns:
        The same shape and type.

    Raises:
        UserError: it is known that the global batch is a single example, whose normalised values
            are all 0.
    """
    if values.shape[0] == 1 and replicas() == 1:
        raise UserError(
            "the states of a relaxed recurrent cell are normalised by their batch, and this is a "
            "batch of 1, of which nothing would be left; give at least 2 sequences or columns"
        )
    wide = values if values.dtype.size >= 4 else tf.cast(values, tf.float32)
    centred = wide - _mean(wide, valid)
    variance = _mean(tf.square(centred), valid)
    return tf.cast(centred * tf.math.rsqrt(variance + EPSILON), values.dtype)


def _mean(values, valid) -> tf.Tensor:
    """The mean over the global batch, of the examples that count; 0 where none does."""
    if valid is None:
        mean = tf.reduce_mean(values, axis=0)
        return mean if replicas() == 1 else _over_replicas(mean) / replicas()
    valid = tf.cast(valid, values.dtype)
    total, count = tf.reduce_sum(values * valid, axis=0), tf.reduce_sum(valid)
    return tf.math.divide_no_nan(_over_replicas(total), _over_replicas(count))


def replicas() -> int:
    """How many replicas compute a batch together."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def _over_replicas(value) -> tf.Tensor:
    """The sum of a tensor over all replicas; differentiable. Not inside a `tf.while_loop`."""
    if replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)
