"""Hypergradients: how the loss reaches the architecture variables.

Every estimator is a function `(problem, weights, architecture, train_batch, validation_batch,
inner_step) -> Hypergradient` of a `BilevelProblem`.
"""

from darts_tf.gradients.finite_difference import finite_difference
from darts_tf.gradients.first_order import first_order
from darts_tf.gradients.implicit import conjugate_gradient, neumann
from darts_tf.gradients.one_level import one_level
from darts_tf.gradients.problem import BilevelProblem, Hypergradient, InnerStep
from darts_tf.gradients.unrolled import unrolled
from darts_tf.lookup import lookup

__all__ = [
    "BilevelProblem",
    "Hypergradient",
    "InnerStep",
    "conjugate_gradient",
    "finite_difference",
    "first_order",
    "get",
    "names",
    "neumann",
    "one_level",
    "unrolled",
]

_GRADIENTS = {
    "one_level": one_level,
    "first_order": first_order,
    "unrolled": unrolled,
    "finite_difference": finite_difference,
    "neumann": neumann,
    "conjugate_gradient": conjugate_gradient,
}


def names() -> tuple[str, ...]:
    """The names of all estimators."""
    return tuple(_GRADIENTS)


def get(name: str):
    """The estimator of that name.

    Raises:
        UserError: no estimator has that name.
    """
    return lookup("hypergradient", _GRADIENTS, name)
