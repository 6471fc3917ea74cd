"""Hypergradients: how the loss reaches the architecture variables.

Every estimator is a function `(problem, weights, architecture, train_batch, validation_batch,
inner_step) -> Hypergradient` of a `BilevelProblem`.
"""

from darts_tf.gradients.finite_difference import finite_difference
from darts_tf.gradients.first_order import first_order
from darts_tf.gradients.implicit import conjugate_gradient, neumann
from darts_tf.gradients.one_level import one_level, one_level_train
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
    "is_one_level",
    "names",
    "neumann",
    "one_level",
    "one_level_train",
    "second_order",
    "unrolled",
]

_GRADIENTS = {
    "one_level": one_level,
    "one_level_train": one_level_train,
    "first_order": first_order,
    "unrolled": unrolled,
    "finite_difference": finite_difference,
    "neumann": neumann,
    "conjugate_gradient": conjugate_gradient,
}

_ONE_LEVEL = ("one_level", "one_level_train")
_SECOND_ORDER = ("unrolled", "finite_difference", "neumann", "conjugate_gradient")


def names() -> tuple[str, ...]:
    """The names of all estimators."""
    return tuple(_GRADIENTS)


def get(name: str):
    """The estimator of that name.

    Raises:
        UserError: no estimator has that name.
    """
    return lookup("hypergradient", _GRADIENTS, name)


def second_order(name: str) -> bool:
    """Whether an estimator differentiates a gradient of the training loss in the architecture."""
    return name in _SECOND_ORDER


def is_one_level(name: str) -> bool:
    """Whether an estimator gives the weights their gradient too."""
    return name in _ONE_LEVEL
