"""The passes that train a supernet's weights."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Point
from darts_tf.supernets.given_values import given_values
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
            mixture = self.worst_mixture(point, batch, seed)
        return self._problem.forward_and_gradients(point, batch, seed, differentiate, mixture)

    def worst_mixture(self, point: Point, batch, seed) -> dict:
        """The operation weights near those of the architecture with the largest training loss.

        For relaxations with an `adversary`. The supernet is in inference mode meanwhile, as in
        the authors' code of SDARTS-ADV. The arguments are those of a call.
        """
        supernet, task = self._supernet, self._problem.task
        given = point[WEIGHTS], point[ARCHITECTURE]
        examples, state = task.unpack_with_state(batch)

        def loss(mixture):
            with given_values(supernet, *given):
                outputs, _ = task.call(supernet, examples.inputs, state, weights=mixture)
            total, count = task.counted_loss(examples.targets, outputs, examples.sample_weights)
            return tf.math.divide_no_nan(total, count)

        with given_values(supernet, *given):
            start = supernet.architecture.drawn_weights()
        masks = {name: supernet.space.mask(name) for name in start}
        radius = tf.convert_to_tensor(supernet.architecture.temperature)
        found = supernet.relaxation.adversary(loss, start, radius, masks, seed)
        return {name: supernet.architecture.with_fixed(name, own) for name, own in found.items()}

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
