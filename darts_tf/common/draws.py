"""Random draws that more than one room takes."""

import numpy as np
import tensorflow as tf


def uniform(shape, seed) -> tf.Tensor:
    """Independent float32 draws from the open interval (0, 1)."""
    return tf.random.stateless_uniform(shape, seed, minval=np.finfo("float32").tiny)


def gumbel(shape, seed) -> tf.Tensor:
    """Independent float32 draws from the standard Gumbel distribution; all are finite."""
    return -tf.math.log(-tf.math.log(uniform(shape, seed)))


def kept(shape, rate: float, seed) -> tf.Tensor:
    """A mask of dropout, float32: 0 with the probability `rate`, else 1 / (1 - rate)."""
    return tf.where(uniform(shape, seed) < 1 - rate, 1 / (1 - rate), 0.0)


def kept_of_batch(shape, rate: float, seed) -> tf.Tensor:
    """The same for a batch, where replicas share it: each one's rows of the global batch's mask.

    So replicas have masks of their own, and together those that one device would have.

    Args:
        shape: `[batch of this replica, ...]`.
        rate: the share that is 0, in [0, 1).
        seed: `[2]` int32, the same on all replicas.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return kept(shape, rate, seed)
    batch, *others = shape
    whole = kept([batch * context.num_replicas_in_sync, *others], rate, seed)
    start = context.replica_id_in_sync_group * batch
    return whole[start : start + batch]
