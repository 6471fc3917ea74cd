"""The state that a stream carries from batch to batch, such as a recurrent network's."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


class CarriedState:
    """The state of a stream, in variables.

    They hold the state of the global batch, and every replica has them whole, so that a checkpoint
    is the same on any number of replicas. Each replica reads the rows of its own examples.

    Args:
        initial: gives the state before the first batch, a structure of tensors `[global batch,
            ...]`; it is asked at the start of every pass.

    Attributes:
        variables: of the structure's tensors, in its order.
    """

    def __init__(self, initial: Callable[[], Any]):
        self._initial = initial
        self._structure = initial()
        self.variables = [
            keras.Variable(x, trainable=False, dtype=x.dtype, aggregation="only_first_replica")
            for x in tf.nest.flatten(self._structure)
        ]

    def reset(self) -> None:
        """Goes back to the state before the first batch."""
        for variable, value in zip(self.variables, tf.nest.flatten(self._initial()), strict=True):
            variable.assign(value)

    def read(self):
        """The state of this replica's examples, as a structure; a constant for any gradient."""
        replica = tf.distribute.get_replica_context()
        found = []
        for variable in self.variables:
            size = variable.shape[0] // replica.num_replicas_in_sync
            first = replica.replica_id_in_sync_group * size
            value = tf.stop_gradient(tf.convert_to_tensor(variable))
            if replica.num_replicas_in_sync > 1:
                value = tf.ensure_shape(value[first : first + size], [size, *variable.shape[1:]])
            found.append(value)
        return tf.nest.pack_sequence_as(self._structure, found)

    def assign(self, state) -> None:
        """Takes over the state after a batch, of this replica's examples and of all others."""
        replica = tf.distribute.get_replica_context()
        for variable, value in zip(self.variables, tf.nest.flatten(state), strict=True):
            if replica.num_replicas_in_sync > 1:
                value = replica.all_gather(value, axis=0)
            variable.assign(value)
