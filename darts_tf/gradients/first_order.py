"""The first-order hypergradient: the weights are taken as already optimal."""

from darts_tf.gradients.problem import BilevelProblem, Hypergradient, InnerStep, gradients_of


def first_order(
    problem: BilevelProblem,
    weights,
    architecture,
    train_batch,
    validation_batch,
    inner_step: InnerStep,
) -> Hypergradient:
    """g = dL_val(w, a)/da: the unrolled gradient with an inner learning rate of 0.

    Liu, Simonyan, Yang, ICLR 2019, section 2.3, "first-order approximation". `train_batch` and
    `inner_step` are not used.
    """
    del train_batch, inner_step
    loss, gradients = gradients_of(
        problem.validation_loss, weights, architecture, validation_batch, wrt="a"
    )
    return Hypergradient(problem.reduce(gradients), loss)
