"""Bilevel problems of two weights whose hypergradients are known by hand."""

import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.gradients import BilevelProblem, InnerStep

TARGET = (0.2, 0.3)


def quadratic(dtype="float64") -> BilevelProblem:
    """L_train = 1/2 (w - Ba)^T H (w - Ba), L_val = 1/2 |w - t|^2.

    H = [[2, .5], [.5, 1]], B = [[1, 0], [.5, -1]], t = (.2, .3). One plain step gives
    w' = w - xi H (w - Ba), hence dL_val(w')/da = xi B^T H (w' - t); the minimum is w*(a) = Ba,
    hence the implicit gradient B^T (Ba - t).
    """
    h = tf.constant([[2, 0.5], [0.5, 1]], dtype)
    b = tf.constant([[1, 0], [0.5, -1]], dtype)

    def train_loss(weights, architecture, batch):
        distance = weights[0] - tf.linalg.matvec(b, architecture[0])
        return tf.reduce_sum(distance * tf.linalg.matvec(h, distance)) / 2

    return BilevelProblem(train_loss, _distance_to_target)


def tanh() -> BilevelProblem:
    """L_train = 1/2 |tanh(w) - a|^2, L_val = 1/2 |w - t|^2: the mixed derivative depends on w.

    L_val is free of a, so the whole hypergradient is its second-order term.
    """
    return BilevelProblem(
        lambda w, a, batch: tf.reduce_sum((tf.tanh(w[0]) - a[0]) ** 2) / 2, _distance_to_target
    )


def scalar() -> BilevelProblem:
    """L_train = 1/2 (w - a)^2, L_val = 1/2 (w - 2)^2.

    K plain steps give w_K = a + (1 - xi)^K (w - a), hence g = (1 - (1 - xi)^K) (w_K - 2).
    """
    return BilevelProblem(
        lambda w, a, batch: (w[0] - a[0]) ** 2 / 2, lambda w, a, batch: (w[0] - 2) ** 2 / 2
    )


def mixed_outer_loss() -> BilevelProblem:
    """The quadratic's L_train with L_val = w_0 a_1^2, which depends on a directly too."""
    return BilevelProblem(quadratic().train_loss, lambda w, a, batch: w[0][0] * a[0][1] ** 2)


def _distance_to_target(weights, architecture, batch):
    return tf.reduce_sum((weights[0] - tf.constant(TARGET, weights[0].dtype)) ** 2) / 2


def hypergradient(
    name: str,
    problem: BilevelProblem,
    weights,
    architecture,
    step: InnerStep,
    dtype: str = "float64",
    **options,
) -> np.ndarray:
    """The estimate of that name at one weight tensor and one architecture tensor, as float64."""
    estimated = gradients.get(name, **options)(
        problem,
        [tf.constant(weights, dtype)],
        [tf.constant(architecture, dtype)],
        None,
        None,
        step,
    )
    return np.asarray(estimated.architecture[0], "float64")
