"""The hypergradient of an unrolled step with a finite difference for the second-order term."""

import dataclasses
import functools

import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.gradients.gradient import Stateless, StepMemory, is_within, require
from darts_tf.gradients.problem import Hypergradient, evaluate, gradients_of, step_of

_RADIUS, _CHAIN_RADIUS = 1e-2, 3e-3
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

    With ReLUs and max pooling it can be far off at any practical radius, because the loss has
    kinks between w+ and w-: `unrolled` is exact there too.

    For chains of any length, by one difference for each inner level, the last one first: with x'_k
    the values after the steps and v_k = dL_val/dx'_k, the difference of level k's gradients at
    x_k +- r_k v_k adds its share to g and to the v_j of the levels j < k that its loss depends on.
    What a level has of those by its `Level.source` is computed and differentiated once.

    Along v a difference is off by a r^2 of the term it stands for, where a is a sixth of the third
    derivative over the first, and by round-off, b eps / r: the least is at r = (b eps / 2 a)^(1/3).
    In a chain of two the default is the reference's, 0.01; the direct term hides much of its error.
    In a longer one all comes through the steps. On the smooth supernet with an auxiliary network of
    `darts_tf.verification.transferability`, in float32 and at a temperature of 0.1, a is 132 and
    b eps 4.5e-6, which makes 0.0026 the best radius; the hypergradient was 1.3 % off at 0.01 and
    0.45 % at 0.001, and should be 0.3 % off between. Larger networks have more round-off, as each
    weight moves less. Hence 0.003.

    Args:
        radius: above 0. Default: 0.01 in a chain of two, 0.003 in a longer one.

    Raises:
        UserError: an option is out of its range.
    """

    radius: float | None = None

    second_order = unrolls = any_length = True
    # w', v, w+ and w- are weights as well.
    memory = StepMemory(graph_bytes=190_000, weight_copies=8, activations=1.3)

    def __post_init__(self):
        good = self.radius is None or (is_within(self.radius, 0) and self.radius > 0)
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

        radius = self.radius or (_RADIUS if len(problem.levels) == 2 else _CHAIN_RADIUS)
        slopes, complete = found.gradients, None
        for level, at, names, gradient in reversed(steps):
            v = level.step.through_clipping(gradient, problem.reduce(slopes[level.name]))
            here = level, at, batches[level.name]
            added, usable = self._through_step(here, v, radius, names)
            slopes = {n: _minus(slopes[n], added[n]) for n in names}
            complete = usable if complete is None else tf.logical_and(complete, usable)
        gradient = problem.reduce(slopes[outer.name])
        return Hypergradient(gradient, found.loss, complete=complete, carried=found.carried)

    def _through_step(self, here, v, radius, names):
        """The terms that a level's step takes off the slopes of those that its gradient depends on.

        Args:
            here: whose step, where, and on what batch.
            v: the slope of the outer loss in the gradient that the step takes, but for its rate.
            radius: of the difference.
            names: of the levels that the gradient depends on.

        Returns:
            (level name -> tensors, whether there was a direction).
        """
        level, point, batch = here
        norm = tf.linalg.global_norm(v)
        usable = tf.logical_and(tf.math.is_finite(norm), norm > 1e-12)
        step = radius / tf.where(usable, norm, tf.ones_like(norm))
        v = [tf.where(usable, x, tf.zeros_like(x)) for x in v]
        sides = [
            [x + sign * step * d for x, d in zip(point[level.name], v, strict=True)]
            for sign in (1.0, -1.0)
        ]
        differ = _difference if level.source is None else _difference_by_source
        found = differ(level, point, batch, sides, names)
        scale = level.step.rate(norm.dtype) / (2 * step)
        return {n: [tf.cast(scale, x.dtype) * x for x in xs] for n, xs in found.items()}, usable


def _difference(level, point, batch, sides, names):
    """Of the gradients in the variables of some levels, between two values of a level's own."""
    plus, minus = (
        gradients_of(level.loss, {**point, level.name: own}, batch, wrt=names).gradients
        for own in sides
    )
    return {name: _minus(plus[name], minus[name]) for name in names}


def _difference_by_source(level, point, batch, sides, names):
    """The same for a loss that sees the other levels by its source, which both sides share.

    The source is differentiated once, along the difference of the slopes in it. Round-off of its
    derivative is in proportion to that difference then, not to the slopes.
    """
    values = {name: point[name] for name in names}
    zero = tf.UnconnectedGradients.ZERO
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        source = level.source(point, batch)
    slopes = []
    for own in sides:
        here = {**point, **values, level.name: own}
        with tf.GradientTape(watch_accessed_variables=False) as side:
            side.watch([values, source])
            loss, _ = evaluate(functools.partial(level.loss, source=source), here, batch)
        direct, along = side.gradient(loss, [values, source], unconnected_gradients=zero)
        slopes.append(({name: dense(x) for name, x in direct.items()}, along))
    (plus, along), (minus, other) = slopes
    found = {name: _minus(plus[name], minus[name]) for name in names}
    if source:
        through = tape.gradient(source, values, _minus(along, other), unconnected_gradients=zero)
        found = {
            name: [x + y for x, y in zip(found[name], dense(through[name]), strict=True)]
            for name in names
        }
    return found


def _minus(tensors, others):
    return [x - y for x, y in zip(tensors, others, strict=True)]


finite_difference = FiniteDifference()
