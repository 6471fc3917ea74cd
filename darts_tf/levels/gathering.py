"""Tensors of all replicas together."""

import tensorflow as tf

from darts_tf.supernets.problem import SupernetProblem


def gather(tensor: tf.Tensor, problem: SupernetProblem) -> tf.Tensor:
    """The rows of all replicas, `[replicas * rows, ...]`, the same on each of them.

    By a sum over the replicas of what is zero but for the own rows, because that may be
    differentiated twice.

    Args:
        tensor: `[rows, ...]`, as many rows on every replica.
        problem: whose replicas they are.
    """
    if problem.replicas == 1:
        return tensor
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    slots = tf.one_hot(number, problem.replicas, dtype=tensor.dtype)
    apart = tf.tensordot(slots, tensor, axes=0)
    (together,) = problem.reduce([apart])
    return tf.reshape(together, [-1, *tensor.shape[1:]])
