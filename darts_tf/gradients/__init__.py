"""Hypergradients: how the loss reaches the architecture variables.

Every estimator is a `Gradient`, an object that is called as `(problem, point, batches) ->
Hypergradient` of a `Problem`, a chain of levels, with the values and the batch of each level by the
level's name. It also says what a search has to know about it. Those that estimate an expectation
over sampled architectures (`darts_tf.gradients.sampling`) have a state of their own. A function of
a user's own may stand wherever an estimator does.
"""

import inspect
from collections.abc import Callable, Mapping

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Registry
from darts_tf.gradients.finite_difference import FiniteDifference, finite_difference
from darts_tf.gradients.first_order import FirstOrder, first_order
from darts_tf.gradients.gradient import Function, Gradient
from darts_tf.gradients.implicit import ConjugateGradient, Neumann, conjugate_gradient, neumann
from darts_tf.gradients.no_step import NoStep
from darts_tf.gradients.one_level import OneLevel, OneLevelTrain, one_level, one_level_train
from darts_tf.gradients.problem import (
    BilevelProblem,
    CategoricalProblem,
    Hypergradient,
    InnerStep,
    Level,
    Problem,
)
from darts_tf.gradients.ram import Ram
from darts_tf.gradients.relax import Rebar, Relax
from darts_tf.gradients.sampling import CategoricalLoss, Estimator
from darts_tf.gradients.score_function import ScoreFunction
from darts_tf.gradients.unrolled import Unrolled, unrolled

__all__ = [
    "BilevelProblem",
    "CategoricalLoss",
    "CategoricalProblem",
    "ConjugateGradient",
    "Estimator",
    "FiniteDifference",
    "FirstOrder",
    "Function",
    "Gradient",
    "Hypergradient",
    "InnerStep",
    "Level",
    "Neumann",
    "NoStep",
    "OneLevel",
    "OneLevelTrain",
    "Problem",
    "Ram",
    "Rebar",
    "Relax",
    "ScoreFunction",
    "Unrolled",
    "conjugate_gradient",
    "finite_difference",
    "first_order",
    "get",
    "is_one_level",
    "label",
    "names",
    "neumann",
    "one_level",
    "one_level_train",
    "register",
    "samples_architectures",
    "second_order",
    "serialize",
    "unrolled",
]

_BUILT_IN = {
    "one_level": OneLevel,
    "one_level_train": OneLevelTrain,
    "first_order": FirstOrder,
    "unrolled": Unrolled,
    "finite_difference": FiniteDifference,
    "neumann": Neumann,
    "conjugate_gradient": ConjugateGradient,
    "score_function": ScoreFunction,
    "relax": Relax,
    "rebar": Rebar,
    "ram": Ram,
}
_GRADIENTS = Registry("hypergradient", _BUILT_IN, Gradient)


def names(sampled: bool = True) -> tuple[str, ...]:
    """The names of all estimators.

    Args:
        sampled: whether those that sample architectures are among them.
    """
    return tuple(
        name
        for name, gradient in _GRADIENTS.items()
        if sampled or not getattr(gradient, "samples_architectures", False)
    )


def register(name: str, gradient: type[Gradient] | Callable, *, replace: bool = False):
    """Makes a hypergradient of your own known by a name; returns it.

    Args:
        name: what `Method.gradient` refers to.
        gradient: a class of estimators, an estimator, or a function; see `get`.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another hypergradient has that name; the same definition may come again.
    """
    return _GRADIENTS.register(name, gradient, replace)


def get(gradient: str | Mapping | type[Gradient] | Callable | None, **options) -> Gradient:
    """An estimator.

    Args:
        gradient: one of `names()`, or a class of estimators, of which a new one is made; a
            configuration `{"class_name": .., "config": {..}}` of one; an estimator, which is
            returned; or a function of your own `(problem, point, batches) -> Hypergradient`.
        **options: of the estimator to be made, such as `steps=2` for "unrolled"; more arguments of
            your function.

    Raises:
        UserError: no estimator has that name or that option, or an option is out of its range; an
            estimator that is made already has options; a function takes other arguments.

    Example:
        >>> estimator = get("neumann", terms=3)
        >>> problem = BilevelProblem(train_loss, validation_loss, step=InnerStep(0.1))
        >>> point = {"architecture": alphas, "weights": weights}
        >>> found = estimator(problem, point, {"architecture": validation, "weights": train})
    """
    found = _GRADIENTS.named(gradient) if isinstance(gradient, str) else gradient
    if found is None:
        found = NoStep()
    made = isinstance(found, type) and issubclass(found, Gradient)
    if callable(found) and not made and not isinstance(found, Gradient):
        return Function(found, options)
    if not made:
        found = _GRADIENTS.resolve(found)
        if options:
            raise UserError(
                f"the hypergradient {label(found)!r} is made already; give {', '.join(options)} "
                "where you make it"
            )
        return found
    known = _option_names(found)
    for option in options:
        if option not in known:
            expected = f"expected one of {', '.join(known)}" if known else "it has none"
            raise UserError(
                f"unknown option {option!r} of the hypergradient {label(gradient)!r}; {expected}"
            )
    return _GRADIENTS.make(found, options)


def serialize(gradient):
    """The name or configuration that `get` makes it of again; itself if it has neither."""
    return None if gradient is None else _GRADIENTS.serialize(gradient)


def label(gradient) -> str:
    """How messages call a hypergradient: its name, or that of the function or the class."""
    if gradient is None:
        return "none"
    if isinstance(gradient, Mapping):
        gradient = get(gradient)
    return _GRADIENTS.label(gradient.function if isinstance(gradient, Function) else gradient)


def samples_architectures(gradient: str | Callable) -> bool:
    """Whether an estimator is one of an expectation over sampled architectures."""
    return get(gradient).samples_architectures


def second_order(gradient: str | Callable) -> bool:
    """Whether an estimator differentiates a gradient of the training loss in the architecture."""
    return get(gradient).second_order


def is_one_level(gradient: str | Callable) -> bool:
    """Whether an estimator gives the weights their gradient too."""
    return get(gradient).one_level


def _option_names(kind: type[Gradient]) -> tuple[str, ...]:
    """The options of a class of estimators."""
    return tuple(
        parameter.name
        for part in ((kind, Estimator) if issubclass(kind, Estimator) else (kind,))
        for parameter in inspect.signature(part).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    )
