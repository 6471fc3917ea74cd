"""The hypergradient of an unrolled step with a finite difference for the second-order term."""

import dataclasses

import tensorflow as tf

from darts_tf.gradients.gradient import Stateless, StepMemory, is_within, require
from darts_tf.gradients.problem import Hypergradient, gradients_of, step_of

# How far it was off on the two smooth supernets of `darts_tf.verification.precision`, and what goes
# with that precision. Other estimators differentiate instead, and keep a few per cent: 2 % of the
# second-order term with `unrolled`, 5 % with `neumann`, in bfloat16 on the first of them.
_ROUNDING = {
    "bfloat16": ("35 and 86 %", "unrolled, which differentiates, or first_order"),
    "float16": ("6 and 15 %", "first_order"),
}


@dataclasses.dataclass(frozen=True)
class FiniteDifference(Stateless):
    """Equation 8 of DARTS: each mixed derivative times a vector as a central difference.

    Liu, Simonyan, Yang, ICLR 2019. With w' = inner_step(w, dL_train/dw), v = dL_val(w', a)/dw',
    r = `radius` / ||v|| (norm over all weights) and w+- = w +- r v,

        g = dL_val(w', a)/da - xi * (dL_train(w+, a)/da - dL_train(w-, a)/da) / (2 r)

    v and r are those of the global batch on every replica. Where ||v|| is zero or not finite, no
    direction exists: g is its first term alone, dL_val(w', a)/da, and `complete` is false.

    Where the step clips its gradient, v is first multiplied by the derivative of the clipping, so
    that g is the derivative of what is computed, as with `unrolled`. The authors' code for
    recurrent cells takes the factor of the clipping for a constant and clips v as well, which makes
    the second-order term smaller by another factor: v is no step, and nothing that is
    differentiated clips it.

    The default radius is the reference's; on smooth losses it is close to the best in float32,
    where a smaller one loses more to round-off than it gains.

    With ReLUs and max pooling it can be far off at any practical radius, because the loss has
    kinks between w+ and w-: `unrolled` is exact there too.

    For chains of any length, by one difference for each inner level, the last one first: with x'_k
    the values after the steps and v_k = dL_val/dx'_k, the difference of level k's gradients at
    x_k +- r_k v_k adds its share to g and to the v_j of the levels j < k that its loss depends on.

    Args:
        radius: above 0. Default 0.01.

    Raises:
        UserError: an option is out of its range.
    """

    radius: float = 0.01

    second_order = unrolls = any_length = True
    # w', v, w+ and w- are weights as well.
    memory = StepMemory(graph_bytes=313_000, weight_copies=8)

    def __post_init__(self):
        good = is_within(self.radius, 0) and self.radius > 0
        require("radius", self.radius, good, "a number above 0")

    def doubt(self, dtype: str) -> str | None:
        if dtype not in _ROUNDING:
            return None
        lost, others = _ROUNDING[dtype]
        return (
            f"in {dtype} the second-order term of the finite difference was {lost} off on smooth "
            "supernets (python -m train.verify --precision), because w+ and w- are rounded; use "
            f"--precision=float32 or --hypergradient={others}"
        )

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer = problem.outer
        # Where each inner level is stepped, with the levels that its gradient depends on.
        steps, moving = [], [outer.name]
        for level in problem.inner:
            gradient = problem.gradient_of(level, point, batches[level.name])
            steps.append((level, point, tuple(moving), gradient))
            moved = step_of(level)(point[level.name], gradient)
            point = {**point, level.name: moved}
            moving.append(level.name)
        found = gradients_of(outer.loss, point, batches[outer.name], wrt=moving)

        slopes, complete = found.gradients, None
        for level, at, names, gradient in reversed(steps):
            v = level.step.through_clipping(gradient, problem.reduce(slopes[level.name]))
            added, usable = self._through_step(level, at, batches[level.name], v, names)
            slopes = {n: _minus(slopes[n], added[n]) for n in names}
            complete = usable if complete is None else tf.logical_and(complete, usable)
        gradient = problem.reduce(slopes[outer.name])
        return Hypergradient(gradient, found.loss, complete=complete, carried=found.carried)

    def _through_step(self, level, point, batch, v, names):
        """The terms that a level's step takes off the slopes of those that its gradient depends on.

        Args:
            level, point, batch: whose step, where, and on what.
            v: the slope of the outer loss in the gradient that the step takes, but for its rate.
            names: of the levels that the gradient depends on.

        Returns:
            (level name -> tensors, whether there was a direction).
        """
        norm = tf.linalg.global_norm(v)
        usable = tf.logical_and(tf.math.is_finite(norm), norm > 1e-12)
        step = self.radius / tf.where(usable, norm, tf.ones_like(norm))
        v = [tf.where(usable, x, tf.zeros_like(x)) for x in v]
        sides = []
        for sign in (1.0, -1.0):
            shifted = [x + sign * step * d for x, d in zip(point[level.name], v, strict=True)]
            here = {**point, level.name: shifted}
            sides.append(gradients_of(level.loss, here, batch, wrt=names).gradients)
        scale = level.step.rate(norm.dtype) / (2 * step)
        plus, minus = sides
        return {
            name: [
                tf.cast(scale, x.dtype) * (x - y)
                for x, y in zip(plus[name], minus[name], strict=True)
            ]
            for name in names
        }, usable


def _minus(tensors, others):
    return [x - y for x, y in zip(tensors, others, strict=True)]


finite_difference = FiniteDifference()
