"""The losses of a search's levels as means over an epoch."""

import types
from collections.abc import Iterable, Mapping

import keras
import tensorflow as tf

from darts_tf.tasks import Task, elements


class LevelLosses:
    """For each level the mean of its losses over all that its batches count, from step to step.

    A step's loss is a mean itself, of the elements of the level's batch. Here it counts as often as
    there are elements, such as the steps of a sequence that are not masked, so that a short window
    at the end of a text weighs little. Where all batches have one element an example, and equally
    many examples, every step counts once.

    Args:
        task: says what is counted.
        levels: their names, the outermost first; the loss of the second one, the weights, is called
            "loss" in logs, those of the others by the name of the level.
        batch_sizes: level name -> the number of examples of its batches, None where they differ.
            Default: a number that does not matter, the same for all batches of a level.
    """

    def __init__(
        self,
        task: Task,
        levels: Iterable[str],
        batch_sizes: Mapping[str, int | None] = types.MappingProxyType({}),
    ):
        self._task = task
        self._sizes = dict(batch_sizes)
        outer, self._first, *others = levels
        self.means = {
            level: keras.metrics.Mean(
                "loss" if level == self._first else f"{level}_loss", dtype="float32"
            )
            for level in (outer, self._first, *others)
        }

    def update(self, losses: Mapping, batches: Mapping, outputs) -> None:
        """Counts a step, in replica context.

        Args:
            losses: level name -> this replica's share of the loss of the global batch.
            batches: level name -> this replica's batch of the task.
            outputs: of the supernet for the batch of the second level.
        """
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        first = self._task.unpack_with_state(batches[self._first])[0]
        rank = self._task.losses(first.targets, outputs).shape.rank
        for level, loss in losses.items():
            examples = self._task.unpack_with_state(batches[level])[0]
            if level == self._first:
                _, count = self._task.counted_loss(
                    examples.targets, outputs, examples.sample_weights
                )
            else:
                count = elements(examples.targets, examples.sample_weights, rank)
            self.means[level].update_state(loss * replicas, self._weight(level, examples, count))

    def _weight(self, level: str, examples, count) -> tf.Tensor | None:
        """How much the step counts, a scalar that is the same on all replicas; None for 1."""
        targets = tf.convert_to_tensor(tf.nest.flatten(examples.targets)[0])
        if targets.shape.rank == 0:
            return None
        differ = self._sizes.get(level, 0) is None
        size = tf.shape(targets)[0]
        known = tf.get_static_value(count), tf.get_static_value(size)
        if not differ and None not in known and known[0] == known[1]:
            return None
        replica = tf.distribute.get_replica_context()
        both = tf.stack([tf.cast(count, tf.float32), tf.cast(size, tf.float32)])
        count, size = tf.unstack(replica.all_reduce(tf.distribute.ReduceOp.SUM, both))
        # Per example, so that one element an example is the weight 1 of above.
        return count if differ else count / size
