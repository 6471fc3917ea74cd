"""The exact hypergradient of unrolled inner steps, by nested gradient tapes."""

import dataclasses

import tensorflow as tf

from darts_tf.gradients.gradient import Stateless, is_count, require
from darts_tf.gradients.problem import Hypergradient


@dataclasses.dataclass(frozen=True)
class Unrolled(Stateless):
    """g = d/da L_val(w'(a), a) with w'(a) = inner_step(w, dL_train(w, a)/dw), differentiated.

    Liu, Simonyan, Yang, ICLR 2019, equation 7, without the approximation of equation 8:

        g = dL_val(w', a)/da - xi * d2L_train(w, a)/(da dw) * dL_val(w', a)/dw'

    The gradient that w' is made of is reduced over the replicas inside the outer tape, which is
    what makes the second-order term that of the global batch.

    Args:
        steps: how many inner steps are unrolled, all on `train_batch`; their velocities, which
            depend on a from the second step on, are differentiated too. Memory and time grow in
            proportion. Default 1, as in DARTS.

    Raises:
        UserError: an option is out of its range.
    """

    steps: int = 1

    second_order = differentiates_twice = unrolls = True

    def __post_init__(self):
        require("steps", self.steps, is_count(self.steps), "1 or more")

    def hypergradient(
        self, problem, weights, architecture, train_batch, validation_batch, inner_step
    ) -> Hypergradient:
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(architecture)
            moved, velocities = weights, inner_step.velocities
            for _ in range(self.steps):
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch(moved)
                    train = problem.train_loss(moved, architecture, train_batch)
                gradients = inner.gradient(
                    train, moved, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )
                moved, velocities = inner_step.advance(moved, problem.reduce(gradients), velocities)
            loss = problem.validation_loss(moved, architecture, validation_batch)
        hypergradient = outer.gradient(
            loss, architecture, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return Hypergradient(problem.reduce(hypergradient), loss)


unrolled = Unrolled()
