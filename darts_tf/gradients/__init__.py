"""Hypergradients: how the loss reaches the architecture variables.

Every estimator is a function `(problem, weights, architecture, train_batch, validation_batch,
inner_step) -> Hypergradient` of a `BilevelProblem`. Those that estimate an expectation over
sampled architectures (`darts_tf.gradients.sampling`) have a state of their own.
"""

import inspect

from darts_tf.common.errors import UserError
from darts_tf.common.lookup import lookup
from darts_tf.gradients.finite_difference import finite_difference
from darts_tf.gradients.first_order import first_order
from darts_tf.gradients.implicit import conjugate_gradient, neumann
from darts_tf.gradients.one_level import one_level, one_level_train
from darts_tf.gradients.problem import BilevelProblem, CategoricalProblem, Hypergradient, InnerStep
from darts_tf.gradients.ram import Ram
from darts_tf.gradients.relax import Rebar, Relax
from darts_tf.gradients.sampling import CategoricalLoss, Estimator
from darts_tf.gradients.score_function import ScoreFunction
from darts_tf.gradients.unrolled import unrolled

__all__ = [
    "BilevelProblem",
    "CategoricalLoss",
    "CategoricalProblem",
    "Estimator",
    "Hypergradient",
    "InnerStep",
    "Ram",
    "Rebar",
    "Relax",
    "ScoreFunction",
    "conjugate_gradient",
    "finite_difference",
    "first_order",
    "get",
    "is_one_level",
    "names",
    "neumann",
    "one_level",
    "one_level_train",
    "samples_architectures",
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
    "score_function": ScoreFunction,
    "relax": Relax,
    "rebar": Rebar,
    "ram": Ram,
}

_ONE_LEVEL = ("one_level", "one_level_train")
_SECOND_ORDER = ("unrolled", "finite_difference", "neumann", "conjugate_gradient")


def names(sampled: bool = True) -> tuple[str, ...]:
    """The names of all estimators.

    Args:
        sampled: whether those that sample architectures are among them.
    """
    return tuple(name for name in _GRADIENTS if sampled or not samples_architectures(name))


def get(name: str, **options):
    """The estimator of that name; of those with a state a new one.

    Args:
        name: one of `names()`.
        **options: arguments of `ScoreFunction`, `Relax`, `Rebar` or `Ram`; the others have none.

    Raises:
        UserError: no estimator has that name, or it has no such option.
    """
    found = lookup("hypergradient", _GRADIENTS, name)
    known = option_names(name)
    for option in options:
        if option not in known:
            expected = f"expected one of {', '.join(known)}" if known else "it has none"
            raise UserError(f"unknown option {option!r} of the hypergradient {name!r}; {expected}")
    return found(**options) if samples_architectures(name) else found


def option_names(name: str) -> tuple[str, ...]:
    """The options of the estimator of that name."""
    if not samples_architectures(name):
        return ()
    return tuple(
        parameter.name
        for kind in (_GRADIENTS[name], Estimator)
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    )


def samples_architectures(name: str) -> bool:
    """Whether an estimator is one of an expectation over sampled architectures, an `Estimator`."""
    found = _GRADIENTS.get(name)
    return inspect.isclass(found) and issubclass(found, Estimator)


def second_order(name: str) -> bool:
    """Whether an estimator differentiates a gradient of the training loss in the architecture."""
    return name in _SECOND_ORDER


def is_one_level(name: str) -> bool:
    """Whether an estimator gives the weights their gradient too."""
    return name in _ONE_LEVEL
