"""One look at a user's data before the first step: what cannot be learned from is one sentence."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.tasks import label_check
from darts_tf.tasks.image_classification import ImageClassification
from darts_tf.tasks.task import Task

# The loss is computed of so many examples.
_FEW = 4
# Pixels of 0 to 255 that nobody has scaled are above it, normalised ones below.
_LARGE = 30


class Takes(NamedTuple):
    """The inputs and outputs of a network.

    Attributes:
        inputs: their specification, the batch None; None where it is not known.
        output_shape: from the shape of a batch of inputs to that of the outputs; None likewise.
        run: from inputs to outputs, in inference mode; asked only where a loss depends on whether
            outputs are probabilities. None where there is no network yet.
    """

    inputs: tf.TensorSpec | None
    output_shape: Callable | None
    run: Callable | None


def check(name: str, data: tf.data.Dataset, task: Task, takes: Takes) -> None:
    """Looks at the specification of a data set, at its first batch, and at the loss of a few of it.

    A task of a user's own says itself what a batch is; of it only what holds for all is asked: that
    inputs are what the network takes, and that there is a loss.

    Args:
        name: of the data, in the plural: "training data".
        data: batches of the task.
        task: what they are for.
        takes: of the network.

    Raises:
        UserError: says what was given, what is expected and what to do.
    """
    batch = _first(name, data)
    own = not _is_pair(task)
    if not own:
        _check_structure(name, batch)
    examples = _unpack(name, batch, task)
    if isinstance(examples.inputs, tf.Tensor) and isinstance(takes.inputs, tf.TensorSpec):
        _check_inputs(name, examples, batch, takes.inputs, own)
    _check_weights(name, examples)
    shape = getattr(examples.inputs, "shape", None)
    if shape is None or takes.output_shape is None:
        return
    outputs = tuple(takes.output_shape(tuple(shape)))
    losses = vars(task).get("losses")
    plain = type(task).losses is ImageClassification.losses
    if isinstance(task, ImageClassification) and plain and not own:
        run = takes.run and functools.partial(takes.run, examples.inputs[:2])
        label_check.check(name, examples, losses, outputs, run)
    _check_loss(name, examples, task, outputs)


def _is_pair(task) -> bool:
    """Whether the task takes its batches as pairs, and what it has no definition of its own for."""
    of_batches = type(task).inputs_and_targets
    plain = Task.inputs_and_targets, ImageClassification.inputs_and_targets
    return of_batches in plain and type(task).weights is Task.weights


def _first(name, data):
    for spec in tf.nest.flatten(data.element_spec, expand_composites=False):
        if not isinstance(spec, tf.TensorSpec):
            kind = type(spec).__name__.removesuffix("Spec")
            raise UserError(
                f"the {name} hold a {kind}; make it a tensor in a .map, such as with .to_tensor() "
                "of ragged ones or tf.sparse.to_dense"
            )
    try:
        batch = next(iter(data.take(1)), None)
    except tf.errors.ResourceExhaustedError:
        raise
    except tf.errors.OpError as error:
        raise UserError(
            f"the first batch of the {name} cannot be read: {_line(error.message)}"
        ) from error
    if batch is None:
        raise UserError(f"the {name} hold no batch; give at least one")
    return batch


def _check_structure(name, batch) -> None:
    if isinstance(batch, Mapping):
        first, second = [*map(repr, batch), "'label'", "'label'"][:2]
        raise UserError(
            f"the elements of the {name} are dictionaries of {', '.join(map(repr, batch))}; "
            f"expected pairs (inputs, targets): .map(lambda x: (x[{first}], x[{second}]))"
        )
    if not isinstance(batch, tuple | list):
        raise UserError(
            f"the elements of the {name} are {_described(batch)} alone; expected pairs (inputs, "
            "targets), such as images and labels: tf.data.Dataset.zip((inputs, targets))"
        )
    if len(batch) not in (2, 3):
        raise UserError(
            f"the elements of the {name} have {len(batch)} parts; expected (inputs, targets) or "
            "(inputs, targets, weights): choose them in a .map"
        )
    if isinstance(batch[0], Mapping):
        raise UserError(
            f"the inputs of the {name} are a dictionary of {', '.join(map(repr, batch[0]))}; "
            f"expected one tensor: .map(lambda x, y: (x[{next(iter(batch[0]))!r}], y))"
        )


def _unpack(name, batch, task):
    try:
        return task.unpack(batch)
    except UserError:
        raise
    except Exception as error:
        described = tf.nest.map_structure(_described, batch)
        raise UserError(
            f"the task {task.name!r} cannot take {described}, an element of the {name}: "
            f"{_cause(error)}"
        ) from error


def _check_inputs(name, examples, batch, spec: tf.TensorSpec, own: bool) -> None:
    inputs, shape = examples.inputs, examples.inputs.shape
    if inputs.dtype == tf.string or inputs.dtype.is_floating != spec.dtype.is_floating:
        wanted = "numbers with a decimal point" if spec.dtype.is_floating else "integers"
        todo = "; images may be uint8, too" if len(spec.shape) == 4 and not own else ""
        raise UserError(
            f"the inputs of the {name} are {inputs.dtype.name}; the network takes {wanted}, "
            f"{spec.dtype.name}: convert them in a .map, such as with tf.cast or "
            f"tf.io.decode_image{todo}"
        )
    if not spec.is_compatible_with(tf.zeros((0, *shape[1:]), spec.dtype)):
        raise UserError(
            f"the inputs of the {name} have shape {list(shape)}; the network takes "
            f"{_shape(spec.shape)}: {_reshaped(examples.targets, shape, spec.shape)}"
        )
    if not inputs.dtype.is_floating:
        return
    values = np.asarray(tf.cast(inputs, tf.float32))
    if bad := int(np.sum(~np.isfinite(values))):
        raise UserError(
            f"{bad} of {values.size} numbers in the first batch of the {name} are NaN or infinite; "
            "replace them, or leave these examples out with .filter"
        )
    given = tf.nest.flatten(batch)[0].dtype
    if not own and len(shape) == 4 and (largest := np.abs(values).max(initial=0)) > _LARGE:
        logging.warning(
            "the inputs of the %s reach %g; networks learn better from values around 0: divide by "
            "255 and normalise, or give uint8, which is scaled to [0, 1]",
            name,
            largest,
        )
    elif not own and given in (tf.uint8, tf.uint16) and len(shape) == 4:
        logging.info("the %s are %s images: they are scaled to [0, 1]", name, given.name)


def _reshaped(targets, shape, wanted) -> str:
    """Advice for inputs of another shape."""
    shape, (_, *own) = list(shape), wanted
    if _fits(shape, own):
        return "they are single examples, so add .batch(64)"
    if _fits(shape[2:], own):
        return "they are batched twice, so leave one .batch out"
    if _fits(shape[1:], own[:-1]):
        if own[-1] == 1:
            return "they have no axis of channels: .map(lambda x, y: (x[..., tf.newaxis], y))"
        return (
            f"they are grey: .map(lambda x, y: (tf.repeat(x[..., tf.newaxis], {own[-1]}, -1), y)), "
            "or make the network for one channel"
        )
    if len(own) == 3 and _fits([*shape[2:], *shape[1:2]], own):
        return "channels come last here: .map(lambda x, y: (tf.transpose(x, (0, 2, 3, 1)), y))"
    if isinstance(targets, tf.Tensor) and not targets.shape.rank:
        return "they are single examples, so add .batch(64), and make the network for their shape"
    return (
        f"change them in a .map, or make the network with input_shape={tuple(shape[1:])}, whose "
        "examples are of that shape"
    )


def _fits(shape, wanted) -> bool:
    return len(shape) == len(wanted) and all(
        w in (None, s) for s, w in zip(shape, wanted, strict=True)
    )


def _shape(shape) -> str:
    return f"[batch, {', '.join('any' if size is None else str(size) for size in shape[1:])}]"


def _check_weights(name, examples) -> None:
    weights = examples.sample_weights
    if weights is None:
        return
    count = tf.nest.flatten(examples.inputs)[0].shape[0]
    if not (isinstance(weights, tf.Tensor) and weights.shape.rank and len(weights) == count):
        raise UserError(
            f"the weights of the {name} are {_described(weights)}; expected one for each of the "
            f"{count} examples, [batch]"
        )
    if weights.dtype == tf.string:
        raise UserError(f"the weights of the {name} are strings; expected numbers")
    values = np.asarray(tf.cast(weights, tf.float32))
    if not (np.isfinite(values).all() and values.min(initial=0) >= 0):
        raise UserError(
            f"the weights of the {name} run from {values.min():g} to {values.max():g}; expected "
            "finite numbers that are not negative, and 0 for what is not to count"
        )


def _check_loss(name, examples, task, shape) -> None:
    """Computes the loss and the metrics of a few examples, with outputs that are made up."""
    targets, weights = (
        tf.nest.map_structure(lambda x: _few(x, shape[0]), part)
        for part in (examples.targets, examples.sample_weights)
    )
    outputs = tf.zeros((min(_FEW, shape[0]), *shape[1:]))
    given = tf.nest.map_structure(_described, targets)
    try:
        if type(task).counted_loss is Task.counted_loss:
            _check_shape(task.losses(targets, outputs), outputs, weights)
        task.counted_loss(targets, outputs, weights)
    except UserError:
        raise
    except NotImplementedError as error:
        raise UserError(f"the task {task.name!r} defines no losses; see Task.losses") from error
    except Exception as error:
        raise UserError(
            f"the loss of the task {task.name!r} cannot be computed of targets {given} and outputs "
            f"{_described(outputs)}, which the {name} give: {_cause(error)}"
        ) from error
    for metric in task.metrics():
        try:
            metric().update_state(targets, outputs, weights)
        except Exception as error:
            raise UserError(
                f"the metric {metric.name!r} of the task {task.name!r} cannot be computed of "
                f"targets {given} and outputs {_described(outputs)}, which the {name} give; give a "
                f"task whose metrics() are yours: {_cause(error)}"
            ) from error


def _check_shape(losses, outputs, weights) -> None:
    shape = losses.shape.as_list()
    if shape and shape[0] != len(outputs):
        raise UserError(
            f"the loss of {len(outputs)} examples has shape {shape}; expected one an example, "
            "[batch], or of sequences [batch, time]"
        )
    if not shape and weights is not None:
        raise UserError(
            "examples have weights, and the loss is one number for them all; it must be one an "
            "example, [batch]"
        )


def _few(tensor, examples):
    whole = not isinstance(tensor, tf.Tensor) or not tensor.shape.rank
    return tensor if whole or tensor.shape[0] != examples else tensor[:_FEW]


def _described(tensor) -> str:
    if not isinstance(tensor, tf.Tensor):
        return type(tensor).__name__
    return f"{tensor.dtype.name} {tensor.shape.as_list()}"


def _cause(error) -> str:
    return f"{type(error).__name__}: {_line(getattr(error, 'message', None) or str(error))}"


def _line(text: str) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[0][:200] if lines else ""
