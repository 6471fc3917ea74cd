"""Which combinations of parts have a meaning."""

from darts_tf import gradients, relaxations, selections
from darts_tf.cells import kinds
from darts_tf.common.errors import UserError
from darts_tf.gradients import Gradient
from darts_tf.relaxations import Relaxation

# What the search itself lets a schedule move.
CONTROLS = ("warm_up",)


def check(method) -> None:
    """Refuses a combination of parts that has no meaning.

    Raises:
        UserError: there is no part of some name, or two parts do not fit; says why.
    """
    if (method.relaxation is None) == selections.needs_supernet(method.selection):
        raise UserError(
            f"the method {method.name!r} has the relaxation {method.relaxation!r} and the "
            f"selection {selections.label(method.selection)!r}; only a search without a supernet "
            "has the relaxation None, and a selection that needs no supernet, such as "
            "darts_tf.selections.Proposals"
        )
    if method.relaxation is None:
        return
    relaxation = relaxations.get(method.relaxation)
    gradient = method.make_gradient()
    _check_distribution(method, gradient, relaxation)
    _check_second_order(method, gradient, relaxation)
    _check_one_level(method, gradient, relaxation)
    _check_controls(method, relaxation)
    _check_levels(method, gradient)


def _check_controls(method, relaxation: Relaxation) -> None:
    """A schedule needs something that it moves."""
    known = {*CONTROLS, *kinds.controls(relaxation.cell)}
    known |= {control.name for control in relaxation.controls}
    for name in method.controls:
        if name not in known:
            raise UserError(
                f"the relaxation {relaxations.label(method.relaxation)!r} has no {name}, and "
                f"neither have its cells, but the method {method.name!r} has a schedule for one; "
                f"leave it out, or use another relaxation. There are: {', '.join(sorted(known))}"
            )


def _check_distribution(method, gradient: Gradient, relaxation: Relaxation) -> None:
    """Estimators over sampled architectures and categorical relaxations need each other."""
    samples, name = gradient.samples_architectures, gradients.label(method.gradient)
    if not relaxation.draws.differentiable and not samples:
        raise UserError(
            f"the hypergradient {name!r} differentiates the operation weights, but "
            f"there is no gradient through the draws of the relaxation {method.relaxation!r}; "
            "use score_function, relax, rebar or ram"
        )
    if samples and relaxation.draws.differentiable:
        raise UserError(
            f"the hypergradient {name!r} is of an expectation over sampled "
            f"architectures, but the relaxation {method.relaxation!r} has another distribution "
            "or none; use the relaxation categorical, or first_order"
        )


def _check_second_order(method, gradient: Gradient, relaxation: Relaxation) -> None:
    """A derivative of a training gradient needs a smooth one, and the weights' step."""
    if not gradient.second_order:
        return
    name = gradients.label(method.gradient)
    if relaxation.draws.single:
        raise UserError(
            f"the hypergradient {name!r} differentiates a training gradient in the "
            f"architecture, but the relaxation {method.relaxation!r} computes one sampled "
            "operation of each edge and only estimates how the loss changes with the others; "
            "its estimate has no derivative. Use first_order or one_level"
        )
    if method.nesterov:
        raise UserError(
            f"the hypergradient {name!r} knows the weights' step with plain momentum "
            f"only, but the method {method.name!r} has Nesterov's; use first_order"
        )


def _check_one_level(method, gradient: Gradient, relaxation: Relaxation) -> None:
    """Where both steps come from one loss, neither is before the other or sees another one."""
    if not gradient.one_level:
        return
    name = gradients.label(method.gradient)
    if relaxation.draws.differ:
        raise UserError(
            f"the relaxation {method.relaxation!r} disturbs the steps of the weights only, but "
            f"the hypergradient {name!r} takes both steps from one loss; use "
            "first_order"
        )
    if method.weights_first:
        raise UserError(
            f"the hypergradient {name!r} gives the weights and the architecture their "
            f"gradients at once, but the method {method.name!r} steps the weights first; use "
            "first_order"
        )


def _check_levels(method, gradient: Gradient) -> None:
    """Further levels act through the steps of the inner ones, which the estimator has to see."""
    names = ["architecture", "weights", *(level.name for level in method.levels)]
    if sorted(method.order) != sorted(names) or len(set(names)) < len(names):
        raise UserError(
            f"the method {method.name!r} has the order {', '.join(method.order)}; expected each of "
            f"its levels once: {', '.join(names)}"
        )
    if not method.levels:
        return
    name, first = gradients.label(method.gradient), method.levels[0].name
    if not gradient.second_order:
        raise UserError(
            f"the level {first!r} of the method {method.name!r} acts through the steps of inner "
            f"levels, which the hypergradient {name!r} does not see; use finite_difference or "
            "unrolled"
        )
    if not gradient.any_length and any(level.inner for level in method.levels):
        raise UserError(
            f"the method {method.name!r} has more inner levels than the weights, but the "
            f"hypergradient {name!r} is for one; use finite_difference or unrolled"
        )
    for level in method.levels:
        level.check(method)
