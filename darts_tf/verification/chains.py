"""A test bench for chains of levels: their hypergradients by estimators, differences, and by hand.

`quadratic` is a chain of any length whose hypergradient is known; `Chain.in_front` puts a level of
your own before it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.gradients.problem import InnerStep, Level, Loss, Problem, Tensors, gradients_of

_SIZE = 3


@dataclasses.dataclass(frozen=True)
class Chain:
    """A chain of levels at a point.

    Attributes:
        problem: the levels, the inner ones with their steps.
        point: level name -> the values of its variables.
        batches: level name -> the batch of its loss.
        known: the hypergradient by hand, all entries in a row; None where nobody knows it.
    """

    problem: Problem
    point: dict[str, Tensors]
    batches: dict[str, Any]
    known: np.ndarray | None = None

    def estimate(self, gradient, **options) -> np.ndarray:
        """The hypergradient by an estimator, all entries in a row, float64.

        Args:
            gradient: see `darts_tf.gradients.get`.
            **options: of the estimator.
        """
        found = gradients.get(gradient, **options)(self.problem, self.point, self.batches)
        return _in_a_row(found.architecture)

    def numeric(self, size: float = 1e-5) -> np.ndarray:
        """Central differences of the outermost loss after all steps, without any estimator.

        Args:
            size: half of the difference. The default is for float64.
        """
        outer = self.problem.outer.name
        values, found = self.point[outer], []
        value = tf.function(lambda *values: self._value(list(values)), autograph=False)
        for k, tensor in enumerate(values):
            for index in np.ndindex(*tensor.shape):
                change = np.zeros(tensor.shape)
                change[index] = size
                ahead, behind = (
                    value(
                        *values[:k], tensor + tf.cast(sign * change, tensor.dtype), *values[k + 1 :]
                    )
                    for sign in (1, -1)
                )
                found.append((float(ahead) - float(behind)) / (2 * size))
        return np.array(found)

    def error(self, gradient, **options) -> float:
        """How far an estimator is from the `known` hypergradient, else from `numeric`, relatively.

        The arguments are those of `estimate`.
        """
        true = self.numeric() if self.known is None else self.known
        found = self.estimate(gradient, **options)
        return float(np.linalg.norm(found - true) / np.linalg.norm(true))

    def in_front(
        self,
        level: Level,
        values: Tensors,
        step: InnerStep,
        loss: Loss | None = None,
        batch: Any = None,
    ) -> "Chain":
        """The chain with a level of your own as its outermost.

        Args:
            level: yours, whose loss is that of all after their steps; without a step.
            values: of its variables.
            step: the step that the level which was the outermost takes now.
            loss: what that level descends now, `(point, batch) -> scalar`, in which your variables
                are `point[level.name]`. Default: what it did before.
            batch: of that loss; default None. What the outermost loss had is yours.
        """
        before = self.problem.outer
        second = dataclasses.replace(before, loss=loss or before.loss, step=step)
        problem = Problem((level, second, *self.problem.inner), self.problem.reduce)
        batches = {**self.batches, level.name: self.batches[before.name], before.name: batch}
        return Chain(problem, {level.name: values, **self.point}, batches)

    def _value(self, values: Tensors) -> tf.Tensor:
        """The outermost loss after all steps."""
        point = {**self.point, self.problem.outer.name: values}
        for level in self.problem.inner:
            name = level.name
            found = gradients_of(level.loss, point, self.batches[name], wrt=[name])
            point = {**point, name: level.step(point[name], found.gradients[name])}
        return self.problem.outer.loss(point, self.batches[self.problem.outer.name])


def quadratic(levels: int = 4, seed: int = 0) -> Chain:
    """Random quadratics, each in its own variables and in those of all levels stepped before it.

    The levels "level_0", the outermost, to "level_3" have three variables each, in float64, and no
    batches. Of the inner ones

        L_k(x) = 1/2 |x_k - sum over j < k of B_kj x_j - c_k|^2,

    so that a step at the rate xi_k, with momentum and L2, has the derivative D_k = xi_k sum over
    j < k of B_kj D_j in x_0, with D_0 = 1. Of the outermost, L_0 = 1/2 |e|^2 with e = sum over k of
    A_k x'_k - t, the hypergradient is (sum over k of A_k D_k)' e.

    Args:
        levels: how many, 1 or more.
        seed: of all numbers.
    """
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.normal(size=shape)

    names = [f"level_{k}" for k in range(levels)]
    outer = [draw(_SIZE, _SIZE) for _ in names]
    chain, values, derivatives = [], [draw(_SIZE)], [np.eye(_SIZE)]
    after = list(values)
    target = draw(_SIZE)
    chain.append(Level(names[0], _half_square(dict(zip(names, outer, strict=True)), target)))
    for k in range(1, levels):
        matrices, shift, start, velocity = (
            draw(k, _SIZE, _SIZE),
            draw(_SIZE),
            draw(_SIZE),
            draw(_SIZE),
        )
        rate, momentum, decay = 0.3 + 0.1 * k, 0.9, 0.1
        step = InnerStep(rate, momentum, [tf.constant(velocity)], weight_decay=decay)
        own = {names[k]: -np.eye(_SIZE), **dict(zip(names, matrices, strict=False))}
        chain.append(Level(names[k], _half_square(own, -shift), step))
        distance = start - np.einsum("jab,jb->a", matrices, np.array(after)) - shift
        values.append(start)
        after.append(start + momentum * velocity - rate * (distance + decay * start))
        derivatives.append(rate * np.einsum("jab,jbc->ac", matrices, np.array(derivatives)))
    error = np.einsum("jab,jb->a", np.array(outer), np.array(after)) - target
    slope = np.einsum("jab,jbc->ac", np.array(outer), np.array(derivatives))
    point = {name: [tf.constant(value)] for name, value in zip(names, values, strict=True)}
    return Chain(Problem(tuple(chain)), point, dict.fromkeys(names), slope.T @ error)


def _half_square(matrices: dict[str, np.ndarray], target: np.ndarray) -> Callable:
    """The loss 1/2 |sum over levels of M x - t|^2."""

    def loss(point, batch):
        seen = [tf.linalg.matvec(matrix, point[name][0]) for name, matrix in matrices.items()]
        return tf.reduce_sum((tf.add_n(seen) - target) ** 2) / 2

    return loss


def _in_a_row(tensors: Tensors) -> np.ndarray:
    return np.concatenate([np.asarray(x, "float64").ravel() for x in tensors])
