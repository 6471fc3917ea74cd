"""Small problems of two and three levels whose hypergradients are known by hand."""

import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.gradients import BilevelProblem, InnerStep, Level, Problem
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Point

TARGET = (0.2, 0.3)
#: These losses need no data.
NO_BATCHES = {ARCHITECTURE: None, WEIGHTS: None}


def quadratic(step: InnerStep | None = None, dtype="float64") -> BilevelProblem:
    """L_train = 1/2 (w - Ba)^T H (w - Ba), L_val = 1/2 |w - t|^2.

    H = [[2, .5], [.5, 1]], B = [[1, 0], [.5, -1]], t = (.2, .3). One plain step gives
    w' = w - xi H (w - Ba), hence dL_val(w')/da = xi B^T H (w' - t); the minimum is w*(a) = Ba,
    hence the implicit gradient B^T (Ba - t).
    """
    return BilevelProblem(_quadratic_in(dtype), _distance_to_target, step=step)


def tanh(step: InnerStep | None = None) -> BilevelProblem:
    """L_train = 1/2 |tanh(w) - a|^2, L_val = 1/2 |w - t|^2: the mixed derivative depends on w.

    L_val is free of a, so the whole hypergradient is its second-order term.
    """
    return BilevelProblem(
        lambda w, a, batch: tf.reduce_sum((tf.tanh(w[0]) - a[0]) ** 2) / 2,
        _distance_to_target,
        step=step,
    )


def scalar(step: InnerStep | None = None) -> BilevelProblem:
    """L_train = 1/2 (w - a)^2, L_val = 1/2 (w - 2)^2.

    K plain steps give w_K = a + (1 - xi)^K (w - a), hence g = (1 - (1 - xi)^K) (w_K - 2).
    """
    return BilevelProblem(
        lambda w, a, batch: (w[0] - a[0]) ** 2 / 2,
        lambda w, a, batch: (w[0] - 2) ** 2 / 2,
        step=step,
    )


def mixed_outer_loss(step: InnerStep | None = None) -> BilevelProblem:
    """The quadratic's L_train with L_val = w_0 a_1^2, which depends on a directly too."""
    return with_outer_loss(lambda w, a, batch: w[0][0] * a[0][1] ** 2, step)


def scalar_chain(main_loss: float = 0.0) -> Problem:
    """Three levels: the weights W learn from A, the auxiliary V from W'.

    L_train = 1/2 (W - A)^2, then 1/2 (V - W')^2, and L_val = 1/2 (V' - 2)^2 + c 1/2 (W' - 2)^2 with
    c = `main_loss`. Plain steps give dV'/dA = x1 x2 and dW'/dA = x1 with the learning rates x1 =
    0.1 and x2 = 0.2 of the levels "weights" and "auxiliary".
    """

    def outer(point, batch):
        (v,), (w,) = point["auxiliary"], point[WEIGHTS]
        return (v - 2) ** 2 / 2 + main_loss * (w - 2) ** 2 / 2

    def train(point, batch):
        return (point[WEIGHTS][0] - point[ARCHITECTURE][0]) ** 2 / 2

    def second(point, batch):
        return (point["auxiliary"][0] - point[WEIGHTS][0]) ** 2 / 2

    return Problem(
        (
            Level(ARCHITECTURE, outer),
            Level(WEIGHTS, train, InnerStep(0.1)),
            Level("auxiliary", second, InnerStep(0.2)),
        )
    )


def with_outer_loss(validation_loss, step: InnerStep | None = None) -> BilevelProblem:
    """The quadratic's L_train with another L_val, `(weights, architecture, batch) -> scalar`."""
    return BilevelProblem(_quadratic_in("float64"), validation_loss, step=step)


def _quadratic_in(dtype):
    h = tf.constant([[2, 0.5], [0.5, 1]], dtype)
    b = tf.constant([[1, 0], [0.5, -1]], dtype)

    def train_loss(weights, architecture, batch):
        distance = weights[0] - tf.linalg.matvec(b, architecture[0])
        return tf.reduce_sum(distance * tf.linalg.matvec(h, distance)) / 2

    return train_loss


def _distance_to_target(weights, architecture, batch):
    return tf.reduce_sum((weights[0] - tf.constant(TARGET, weights[0].dtype)) ** 2) / 2


def at(weights, architecture, dtype: str = "float64") -> Point:
    """A point of one weight tensor and one architecture tensor."""
    return {
        WEIGHTS: [tf.constant(weights, dtype)],
        ARCHITECTURE: [tf.constant(architecture, dtype)],
    }


def hypergradient(
    name: str,
    problem: BilevelProblem,
    weights,
    architecture,
    dtype: str = "float64",
    **options,
) -> np.ndarray:
    """The estimate of that name at one weight tensor and one architecture tensor, as float64."""
    point = at(weights, architecture, dtype)
    estimated = gradients.get(name, **options)(problem, point, NO_BATCHES)
    return np.asarray(estimated.architecture[0], "float64")
