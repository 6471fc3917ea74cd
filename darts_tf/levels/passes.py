"""The passes that train an inner level of a method."""

import contextlib

import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.gradients.problem import Point
from darts_tf.levels.level import FurtherLevel, LevelPass


class LevelPasses:
    """The passes of a built level by its own loss.

    Args:
        level: the level.
    """

    def __init__(self, level: FurtherLevel):
        self._level = level
        self.statistics = level.statistics

    def __call__(
        self, point: Point, batch, seed, differentiate: bool = True
    ) -> tuple[LevelPass, list[tf.Tensor]]:
        """A pass and this replica's share of its gradients, none if they are not wanted."""
        level = self._level
        if not differentiate:
            return level.forward(point, batch, seed), []
        values = point[level.name]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            found = level.forward(point, batch, seed)
        zero = tf.UnconnectedGradients.ZERO
        return found, dense(tape.gradient(found.loss, values, unconnected_gradients=zero))

    def untouched(self, seed, optimizer):
        """Nothing of a level is left out by a draw."""
        return contextlib.nullcontext()
