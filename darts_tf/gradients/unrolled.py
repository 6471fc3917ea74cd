"""The exact hypergradient of unrolled inner steps, by nested gradient tapes."""

import tensorflow as tf

from darts_tf.gradients.problem import BilevelProblem, Hypergradient, InnerStep


def unrolled(
    problem: BilevelProblem,
    weights,
    architecture,
    train_batch,
    validation_batch,
    inner_step: InnerStep,
) -> Hypergradient:
    """g = d/da L_val(w'(a), a) with w'(a) = inner_step(w, dL_train(w, a)/dw), differentiated.

    Liu, Simonyan, Yang, ICLR 2019, equation 7, without the approximation of equation 8:

        g = dL_val(w', a)/da - xi * d2L_train(w, a)/(da dw) * dL_val(w', a)/dw'

    The gradient that w' is made of is reduced over the replicas inside the outer tape, which is
    what makes the second-order term that of the global batch.
    """
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(architecture)
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(weights)
            train = problem.train_loss(weights, architecture, train_batch)
        gradients = inner.gradient(
            train, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        moved = inner_step(weights, problem.reduce(gradients))
        loss = problem.validation_loss(moved, architecture, validation_batch)
    hypergradient = outer.gradient(
        loss, architecture, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return Hypergradient(problem.reduce(hypergradient), loss)
