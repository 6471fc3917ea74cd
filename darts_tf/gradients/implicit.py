"""Implicit hypergradients: the weights are taken as a minimum of the training loss.

At a minimum w*(a) the implicit function theorem gives

    g = dL_val/da - d2L_train/(da dw) * H^-1 * dL_val/dw,   H = d2L_train/dw2 + weight_decay * I

(Lorraine, Vicol, Duvenaud, AISTATS 2020, theorem 1; iDARTS, Zhang et al., ICML 2021, equation 7).
For chains of two only: with a third level the argmin of one is inside the other, and the system to
solve would be that of both. The two estimators differ in how they apply H^-1; both use
Hessian-vector products only, by nested tapes. L2 belongs to the inner objective here, because it
moves its minimum. Momentum does not.
"""

import dataclasses

import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.gradients.gradient import (
    Stateless,
    is_count,
    is_within,
    require,
    the_inner_level,
)
from darts_tf.gradients.problem import Hypergradient, evaluate, gradients_of, identity, step_of


class _Implicit(Stateless):
    """The implicit gradient. Subclasses say how H^-1 is applied."""

    second_order = differentiates_twice = True

    def solve(self, product, v, problem, inner_step) -> list:
        """H^-1 v.

        Args:
            product: v -> H v.
            v: a list of tensors.
            problem: as for `hypergradient`.
            inner_step: that of the inner level.
        """
        raise NotImplementedError

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer = problem.outer
        inner = the_inner_level(problem, "the minimum of one inner loss, and H is its Hessian")
        found = gradients_of(outer.loss, point, batches[outer.name], wrt=[outer.name, inner.name])
        architecture, weights, step = point[outer.name], point[inner.name], step_of(inner)

        def along(vector, source):
            """The derivative in `source` of <dL_train/dw, vector>."""
            with tf.GradientTape(watch_accessed_variables=False) as outer_tape:
                outer_tape.watch(source)
                with tf.GradientTape(watch_accessed_variables=False) as inner_tape:
                    inner_tape.watch(weights)
                    train, _ = evaluate(inner.loss, point, batches[inner.name])
                gradients = inner_tape.gradient(train, weights, unconnected_gradients=_ZERO)
                slope = _dot(dense(gradients), vector)
            return dense(outer_tape.gradient(slope, source, unconnected_gradients=_ZERO))

        def product(vector):
            hessian = problem.reduce(along(vector, weights))
            decay = step.weight_decay
            return [h + decay * x for h, x in zip(hessian, vector, strict=True)]

        v = problem.reduce(found.gradients[inner.name])
        mixed = along(self.solve(product, v, problem, step), architecture)
        direct = found.gradients[outer.name]
        gradient = problem.reduce([g - m for g, m in zip(direct, mixed, strict=True)])
        return Hypergradient(gradient, found.loss, carried=found.carried)


@dataclasses.dataclass(frozen=True)
class Neumann(_Implicit):
    """The implicit gradient with a truncated Neumann series for H^-1.

        H^-1 v ~ xi * sum over k = 0..terms-1 of (I - xi H)^k v

    Lorraine, Vicol, Duvenaud, AISTATS 2020, equation 10, with the inner learning rate xi as step.
    It converges where the eigenvalues of xi H lie between 0 and 2. With one term it is the
    second-order term of `unrolled` at w instead of w'.

    Args:
        terms: number of terms. Default 5.

    Raises:
        UserError: an option is out of its range.
    """

    terms: int = 5

    def __post_init__(self):
        require("terms", self.terms, is_count(self.terms), "1 or more")

    def solve(self, product, v, problem, inner_step) -> list:
        def body(term, total):
            rate = inner_step.rate(term[0].dtype)
            term = [t - rate * h for t, h in zip(term, product(term), strict=True)]
            return term, [x + t for x, t in zip(total, term, strict=True)]

        _, total = _repeat(problem, body, (v, v), self.terms - 1)
        return [inner_step.rate(t.dtype) * t for t in total]


@dataclasses.dataclass(frozen=True)
class ConjugateGradient(_Implicit):
    """The implicit gradient with conjugate gradients for H^-1.

    Pedregosa, ICML 2016; Rajeswaran et al., NeurIPS 2019. Exact after as many iterations as H has
    different eigenvalues, if H is positive definite. Where it meets a direction without positive
    curvature, as a network's Hessian has them, it keeps what it has.

    Args:
        iterations: number of iterations. Default 5.
        damping: is added to the diagonal of H. Default 0.

    Raises:
        UserError: an option is out of its range.
    """

    iterations: int = 5
    damping: float = 0.0

    def __post_init__(self):
        require("iterations", self.iterations, is_count(self.iterations), "1 or more")
        require("damping", self.damping, is_within(self.damping, 0), "a number, 0 or more")

    def solve(self, product, v, problem, inner_step) -> list:
        del inner_step

        def body(solution, residual, direction):
            curved = [
                h + self.damping * d for h, d in zip(product(direction), direction, strict=True)
            ]
            square, curvature = _dot(residual, residual), _dot(direction, curved)
            step = tf.math.divide_no_nan(square, tf.nn.relu(curvature))
            solution = [x + step * d for x, d in zip(solution, direction, strict=True)]
            moved = [r - step * c for r, c in zip(residual, curved, strict=True)]
            ratio = tf.math.divide_no_nan(_dot(moved, moved), square)
            direction = [r + ratio * d for r, d in zip(moved, direction, strict=True)]
            return solution, moved, direction

        return _repeat(problem, body, ([tf.zeros_like(x) for x in v], v, v), self.iterations)[0]


def _repeat(problem, body, state, times: int):
    """`state = body(*state)`, so many times; one trace of the body however often it runs.

    Replicas cannot communicate inside a loop of the graph; for several the body is traced anew.
    """
    if problem.reduce is not identity:
        for _ in range(times):
            state = body(*state)
        return state
    _, *state = tf.while_loop(
        lambda i, *state: i < times,
        lambda i, *state: (i + 1, *body(*state)),
        (tf.constant(0), *state),
        parallel_iterations=1,
    )
    return state


def _dot(xs, ys) -> tf.Tensor:
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(xs, ys, strict=True)])


_ZERO = tf.UnconnectedGradients.ZERO


neumann = Neumann()
conjugate_gradient = ConjugateGradient()
