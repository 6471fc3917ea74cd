"""The hypergradient of an unrolled step with a finite difference for the second-order term."""

import dataclasses

import tensorflow as tf

from darts_tf.gradients.gradient import Stateless, StepMemory, is_within, require
from darts_tf.gradients.problem import Hypergradient, gradients_of

# How far it was off on the two smooth supernets of `darts_tf.verification.precision`, and what goes
# with that precision. Other estimators differentiate instead, and keep a few per cent: 2 % of the
# second-order term with `unrolled`, 5 % with `neumann`, in bfloat16 on the first of them.
_ROUNDING = {
    "bfloat16": ("35 and 86 %", "unrolled, which differentiates, or first_order"),
    "float16": ("6 and 15 %", "first_order"),
}


@dataclasses.dataclass(frozen=True)
class FiniteDifference(Stateless):
    """Equation 8 of DARTS: the mixed derivative times v as a central difference.

    Liu, Simonyan, Yang, ICLR 2019. With w' = inner_step(w, dL_train/dw), v = dL_val(w', a)/dw',
    r = `radius` / ||v|| (norm over all weights) and w+- = w +- r v,

        g = dL_val(w', a)/da - xi * (dL_train(w+, a)/da - dL_train(w-, a)/da) / (2 r)

    v and r are those of the global batch on every replica. Where ||v|| is zero or not finite, no
    direction exists: g is its first term alone, dL_val(w', a)/da, and `complete` is false. The
    default radius is the reference's; on smooth losses it is close to the best in float32, where a
    smaller one loses more to round-off than it gains.

    With ReLUs and max pooling it can be far off at any practical radius, because the loss has
    kinks between w+ and w-: `unrolled` is exact there too.

    Args:
        radius: above 0. Default 0.01.

    Raises:
        UserError: an option is out of its range.
    """

    radius: float = 0.01

    second_order = unrolls = True
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

    def hypergradient(
        self, problem, weights, architecture, train_batch, validation_batch, inner_step
    ) -> Hypergradient:
        train_loss = problem.train_loss
        _, gradients = gradients_of(train_loss, weights, architecture, train_batch, wrt="w")
        moved = inner_step(weights, problem.reduce(gradients))
        loss, (v, direct) = gradients_of(
            problem.validation_loss, moved, architecture, validation_batch, wrt="wa"
        )
        v = problem.reduce(v)
        norm = tf.linalg.global_norm(v)
        usable = tf.logical_and(tf.math.is_finite(norm), norm > 1e-12)
        step = self.radius / tf.where(usable, norm, tf.ones_like(norm))
        v = [tf.where(usable, x, tf.zeros_like(x)) for x in v]

        sides = []
        for sign in (1.0, -1.0):
            shifted = [w + sign * step * x for w, x in zip(weights, v, strict=True)]
            _, gradients = gradients_of(train_loss, shifted, architecture, train_batch, wrt="a")
            sides.append(gradients)
        scale = inner_step.rate(norm.dtype) / (2 * step)
        hypergradient = [
            g - tf.cast(scale, g.dtype) * (plus - minus)
            for g, plus, minus in zip(direct, *sides, strict=True)
        ]
        return Hypergradient(problem.reduce(hypergradient), loss, complete=usable)


finite_difference = FiniteDifference()
