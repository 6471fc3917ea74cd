"""The passes that train a supernet's weights."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf.gradients.problem import WEIGHTS, Point
from darts_tf.supernets.problem import ForwardPass, SupernetProblem


class WeightPasses:
    """The forward passes of the level "weights", with what its relaxation does to them.

    The operation weights are those that the relaxation's adversary finds, if it has one; and of a
    sampled architecture only what was drawn moves.

    Args:
        problem: the supernet.
        batch_of: `(level, point, batch)` to the batch that its loss is of, where further levels
            change it; None for the batch itself.
    """

    def __init__(self, problem: SupernetProblem, batch_of: Callable | None = None):
        self._problem = problem
        self._batch_of = batch_of
        self._supernet = problem.supernet
        self.statistics = problem.statistics

    def __call__(
        self, point: Point, batch, seed, differentiate: bool = True
    ) -> tuple[ForwardPass, list[tf.Tensor]]:
        """A forward pass and its gradients; see `SupernetProblem.forward_and_gradients`."""
        mixture = None
        if self._batch_of is not None:
            batch = self._batch_of(WEIGHTS, point, batch)
        if self._supernet.relaxation.adversary is not None:
            mixture = self._problem.worst_mixture(point, batch, seed)
        return self._problem.forward_and_gradients(point, batch, seed, differentiate, mixture)

    @contextlib.contextmanager
    def untouched(self, seed, optimizer: keras.optimizers.Optimizer):
        """Takes back what momentum and L2 do to the weights that a categorical draw left out."""
        supernet = self._supernet
        if supernet.relaxation.draws.differentiable:
            yield
            return
        masks = supernet.chosen_weights(supernet.architecture.drawn_weights(seed))
        slots = getattr(optimizer, "momentums", None) or []
        kept = [
            (variable, mask, tf.identity(variable))
            for variables in (supernet.weight_variables, slots)
            for variable, mask in zip(variables, masks, strict=bool(variables))
            if mask is not None
        ]
        yield
        for variable, mask, before in kept:
            variable.assign(tf.where(mask, variable, before))
