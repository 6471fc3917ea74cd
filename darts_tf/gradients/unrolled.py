"""The exact hypergradient of unrolled inner steps, by nested gradient tapes."""

import dataclasses

import tensorflow as tf

from darts_tf.gradients.gradient import Stateless, is_count, require
from darts_tf.gradients.problem import Hypergradient, evaluate


@dataclasses.dataclass(frozen=True)
class Unrolled(Stateless):
    """g = d/da L_val(w'(a), a) with w'(a) = inner_step(w, dL_train(w, a)/dw), differentiated.

    Liu, Simonyan, Yang, ICLR 2019, equation 7, without the approximation of equation 8:

        g = dL_val(w', a)/da - xi * d2L_train(w, a)/(da dw) * dL_val(w', a)/dw'

    The gradient that w' is made of is reduced over the replicas inside the outer tape, which is
    what makes the second-order term that of the global batch.

    For chains of any length: the inner levels are stepped one after the other, each at the point
    that the steps before it have reached, and all of it is differentiated.

    Args:
        steps: how many inner steps are unrolled of each level, all on its batch; their velocities,
            which depend on a from the second step on, are differentiated too. Memory and time grow
            in proportion. Default 1, as in DARTS.

    Raises:
        UserError: an option is out of its range.
    """

    steps: int = 1

    second_order = differentiates_twice = unrolls = any_length = True

    def __post_init__(self):
        require("steps", self.steps, is_count(self.steps), "1 or more")

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer = problem.outer
        variables = point[outer.name]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            for level in problem.inner:
                moved = problem.stepped(level, point, batches[level.name], self.steps)
                point = {**point, level.name: moved}
            loss, carried = evaluate(outer.loss, point, batches[outer.name])
        zero = tf.UnconnectedGradients.ZERO
        gradient = tape.gradient(loss, variables, unconnected_gradients=zero)
        return Hypergradient(problem.reduce(gradient), loss, carried=carried)


unrolled = Unrolled()
