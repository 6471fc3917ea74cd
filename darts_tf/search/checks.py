"""Refusals of impossible searches before the first step; and advice on what needs less memory."""

import keras
import tensorflow as tf
from absl import logging

from darts_tf import gradients, relaxations, selections
from darts_tf.cells import kinds
from darts_tf.common import lookup
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import count_batches, refuse_endless
from darts_tf.layers.keras_settings import check_floatx
from darts_tf.levels import FurtherLevel
from darts_tf.methods.method import Method
from darts_tf.runtime import optimizers
from darts_tf.schedules.rules import orders
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task

_MAKE = "method.make_supernet(space, input_shape, num_classes) makes one that fits"


def check_trains(method: Method) -> None:
    """Refuses a method that searches in another way than by training a supernet.

    Raises:
        UserError: says what searches by it.
    """
    if not method.has_supernet:
        raise UserError(
            f"the method {method.name!r} searches without a supernet; see darts_tf.baselines.run"
        )
    if not method.trains:
        raise UserError(
            f"the method {method.name!r} trains no supernet; call the selection "
            f"{selections.label(method.selection)!r} (darts_tf.selections.get) with a supernet as "
            "it is"
        )


def check_method(method: Method, supernet: Supernet, accumulate_steps: int) -> None:
    """Refuses a method that does not fit a supernet or cannot be computed in parts.

    Raises:
        UserError: says what does not fit, and what would.
    """
    method.check()
    check_floatx()
    gradient, called = method.make_gradient(), gradients.label(method.gradient)
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1 and gradient.samples_architectures:
        raise UserError(
            f"the hypergradient {called!r} runs on one device, got {replicas}; use "
            "--distribute=none"
        )
    if accumulate_steps < 1:
        raise UserError(f"accumulate_steps must be at least 1, got {accumulate_steps}")
    if accumulate_steps > 1 and gradient.differentiates_twice:
        raise UserError(
            f"accumulate_steps={accumulate_steps} does not go with the hypergradient "
            f"{called!r}, which differentiates a gradient of the whole batch; "
            "use finite_difference or first_order, or a smaller batch"
        )
    wanted = relaxations.get(method.relaxation)
    if not lookup.is_same_definition(wanted, supernet.relaxation):
        raise UserError(
            f"the method {method.name!r} needs the relaxation "
            f"{relaxations.label(method.relaxation)!r}; the supernet was made with "
            f"{relaxations.label(supernet.relaxation)!r}. {_MAKE}"
        )
    options = method.supernet_options()
    missing = [name for name in options["controls"] if name not in supernet.architecture.controls]
    wanted = [f"controls={missing}"] if missing else []
    if options["decisions"] and not supernet.get_config()["decisions"]:
        wanted.append("decisions=True")
    if wanted:
        raise UserError(
            f"the method {method.name!r} needs a supernet that was made with "
            f"{' and '.join(wanted)}. {_MAKE}"
        )
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if supernet.relaxation.adversary is not None and replicas > 1:
        raise UserError(
            f"the method {method.name!r} looks for the worst operation weights on one device, got "
            f"{replicas}; use --distribute=none"
        )
    if getattr(method.rule, "judges_operations", False) and not supernet.edges_learn:
        raise UserError(
            f"the method {method.name!r} ends where skip connections take over from operations "
            f"that learn, but in the cells of the space {supernet.space.name!r} no operation has "
            "weights of its own; use a method without that rule, such as darts-v1"
        )
    if getattr(method.rule, "eigenvalue_every", 0):
        _check_eigenvalue(method, supernet)
    if supernet.compute_dtype == "float16" and gradient.differentiates_twice:
        raise UserError(
            f"the hypergradient {called!r} differentiates twice, for which "
            "loss scaling, and so float16, does not work; compute in bfloat16 or float32"
        )
    if method.levels:
        _check_levels(method, supernet, accumulate_steps)
    warn_of_rounding(method, supernet)


def _check_levels(method: Method, supernet: Supernet, accumulate_steps: int) -> None:
    """Refuses what further levels are not for."""
    names = ", ".join(level.name for level in method.levels)
    if accumulate_steps > 1:
        raise UserError(
            f"accumulate_steps={accumulate_steps} does not go with the method {method.name!r}: the "
            f"losses of its further levels ({names}) are of whole batches; use a smaller batch"
        )
    if supernet.compute_dtype == "float16":
        raise UserError(
            f"the method {method.name!r} has further levels ({names}), whose losses are not scaled "
            "for float16; compute in bfloat16 or float32"
        )


def check_level_optimizer(level: FurtherLevel, optimizer: keras.optimizers.Optimizer) -> None:
    """Refuses an optimizer of an inner level whose step cannot be unrolled.

    Raises:
        UserError: it is not SGD with plain momentum.
    """
    if not isinstance(optimizer, keras.optimizers.SGD) or optimizer.nesterov:
        raise UserError(
            f"the level {level.name!r} is an inner one, whose step is unrolled, and that is one of "
            f"SGD with plain momentum; got {type(optimizer).__name__}"
        )


def check_controls(method: Method, supernet: Supernet) -> None:
    """Refuses schedules of what the cells of a space do not have.

    Raises:
        UserError: says which.
    """
    space = supernet.space
    kind = kinds.get(space, relaxations.get(method.relaxation).cell)
    known = {control.name for control in kind.controls}
    for name in method.supernet_options()["controls"]:
        if name not in known:
            raise UserError(
                f"a schedule of the method {method.name!r} moves {name}, which the {space.kind} "
                f"cells of the space {space.name!r} have not; use another method, or another space"
            )


def check_task(task: Task, supernet: Supernet) -> None:
    """Refuses a state that the task does not carry.

    Raises:
        UserError: the cells have one.
    """
    if supernet.carries_state and not task.carries_state:
        raise UserError(
            f"the cells of the space {supernet.space.name!r} go on from a state, which the task "
            f"{task.name!r} does not carry; give a task that has initial_state, such as "
            "task='language_modeling'"
        )


def check_streams(task: Task, streams) -> None:
    """Refuses streams whose states are not known to fit; only of a task that carries one.

    Raises:
        UserError: batches differ in size, or the number of validation batches is unknown.
    """
    if not task.carries_state:
        return
    for name, size in streams.batch_sizes.items():
        if size is None:
            raise UserError(
                f"the task {task.name!r} carries a state, so that the {name} batches must all have "
                "the same number of examples; make them with drop_remainder=True"
            )
    count_batches("validation batches", streams.validation(0))


def check_batch_sizes(task: Task, before: dict, now: dict) -> None:
    """Refuses batches of another size than those that states were made for.

    Raises:
        UserError: says what they were and are.
    """
    if task.carries_state and before != now:
        raise UserError(
            f"this search has states of batches of {before}, and goes on with its own optimizer; "
            f"got batches of {now}. Make a new ArchitectureSearch"
        )


def warn_of_rounding(method: Method, supernet: Supernet) -> None:
    """Says where 16 bits do not resolve the hypergradient, and what would go."""
    if (doubt := method.make_gradient().doubt(supernet.compute_dtype)) is not None:
        logging.warning("%s", doubt)


def check_recompute(recompute: bool, supernet: Supernet, strategy: tf.distribute.Strategy) -> None:
    """Refuses to recompute what is not computed in groups, or on several replicas.

    Raises:
        UserError: says which of the two.
    """
    if not recompute:
        return
    if not all(cell.together for cell in supernet.cells):
        kinds = ", ".join(sorted({type(cell).__name__ for cell in supernet.cells}))
        raise UserError(
            "recompute is for supernets whose cells compute all operations that leave a state "
            f"together; these cells are of kind {kinds}. Use accumulate_steps to save memory"
        )
    if strategy.num_replicas_in_sync > 1:
        raise UserError("recompute is for one device; use accumulate_steps to save memory")


def _check_eigenvalue(method: Method, supernet: Supernet) -> None:
    """Refuses where the eigenvalue that the method's rule wants cannot be computed."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if supernet.relaxation.draws.single or supernet.compute_dtype != "float32" or replicas > 1:
        raise UserError(
            f"the method {method.name!r} stops by an eigenvalue, which needs a relaxation that "
            "mixes all operations, --precision=float32 and --distribute=none"
        )


def check_weight_optimizer(method: Method, optimizer: keras.optimizers.Optimizer) -> None:
    """Refuses an optimizer whose step the method cannot unroll.

    Raises:
        UserError: it is not SGD and the method unrolls a step; it has no L2 to change.
    """
    if any(kind.goes_back for kind in orders(method.rule)) and not hasattr(optimizer, "l2"):
        raise UserError(
            f"the method {method.name!r} changes the weight decay of an optimizer of "
            f"darts_tf.runtime.optimizers; got {type(optimizer).__name__}"
        )
    if method.make_gradient().unrolls and not isinstance(optimizer, keras.optimizers.SGD):
        raise UserError(
            f"the method {method.name!r} unrolls a step of SGD; got the weight "
            f"optimizer {type(optimizer).__name__}. Use SGD or a first-order method"
        )


def get_optimizers(weights, architecture) -> tuple:
    """A user's own optimizers for the weights and for the alphas; None for those of the method.

    Raises:
        UserError: one is none, or both are the same object, which would share its slots.
    """
    if weights is not None and weights is architecture and not isinstance(weights, str | type):
        raise UserError(
            "weight_optimizer and architecture_optimizer are one object; give each its own"
        )
    return optimizers.get(weights), optimizers.get(architecture)


def check_rate_of_task(task: Task, optimizer: keras.optimizers.Optimizer) -> None:
    """Refuses an optimizer whose learning rate cannot be multiplied in a step.

    Raises:
        UserError: the task wants that and the optimizer is not of `darts_tf.runtime.optimizers`.
    """
    if task.scales_rate and not isinstance(optimizer, optimizers.L2Optimizer):
        raise UserError(
            f"the task {task.name!r} multiplies the learning rate of the weights by a factor of "
            "each batch, for which it needs an optimizer of darts_tf.runtime.optimizers; got "
            + type(optimizer).__name__
        )


def count_steps(train: tf.data.Dataset, validation: tf.data.Dataset) -> int:
    """The number of batches of an epoch.

    Raises:
        UserError: there are none, or the number is unknown; the validation data have no end.
    """
    steps = count_batches("training batches", train)
    refuse_endless("validation data", validation)
    if steps == 0 or int(validation.cardinality()) == 0:
        raise UserError(
            "the training or the validation data hold no whole batch; "
            "use a smaller batch size or more examples"
        )
    return steps


def less_memory(method: Method) -> str:
    """Advice on what would need less memory than a search by this method."""
    advice = "a smaller --batch_size, fewer --channels or fewer --cells"
    gradient = method.make_gradient()
    if not gradient.differentiates_twice:
        advice += ", or more --accumulate_steps"
    if gradient.second_order or gradient.one_level:
        name = gradients.label(method.gradient)
        advice += f", or --hypergradient=first_order instead of {name}"
    return advice
