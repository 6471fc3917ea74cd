"""One look at the labels of a classification, before the first step."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import keras_losses
from darts_tf.tasks.class_accuracy import are_shares
from darts_tf.tasks.task import Examples

_SEVERAL = "for several labels an example give loss='binary_crossentropy'"


def check(
    name: str,
    examples: Examples,
    losses: Callable | None,
    shape: tuple[int, ...],
    outputs: Callable | None,
) -> None:
    """Refuses labels that a classification's loss is not for.

    Args:
        name: of the data, in the plural.
        examples: of a batch.
        losses: of the user's own, see `keras_losses.by_example`; None for the cross-entropy.
        shape: of the outputs.
        outputs: returns those of a few examples; None if there are none yet.

    Raises:
        UserError: says what was given, what is expected and what to do.
    """
    labels = examples.targets
    if not isinstance(labels, tf.Tensor):
        raise UserError(
            f"the targets of the {name} are a {type(labels).__name__}; expected one tensor: choose "
            "it in a .map, or give a task of your own"
        )
    if labels.dtype == tf.string:
        raise UserError(
            f"the labels of the {name} are strings; expected integers from 0 to {shape[-1] - 1}: "
            "numpy.unique(labels, return_inverse=True)[1] makes them of arrays, "
            "keras.layers.StringLookup(num_oov_indices=0, vocabulary=...) in a .map"
        )
    if labels.shape.rank and labels.shape[0] != shape[0]:
        raise UserError(
            f"the {name} have {shape[0]} inputs and {labels.shape[0]} labels in a batch; "
            "give a label an input"
        )
    values = np.asarray(tf.cast(labels, tf.float64))
    if not np.isfinite(values).all():
        raise UserError(f"the labels of the {name} hold NaN or infinite numbers; replace them")
    if losses is None:
        _check_classes(name, values, shape)
    else:
        _check_own(name, labels, values, losses, shape, outputs)


def _check_classes(name, values, shape) -> None:
    """Refuses labels that are neither integers below the number of classes nor shares of these."""
    classes = shape[-1]
    if values.ndim == len(shape) and values.shape[-1] == classes and classes != 1:
        _check_shares(name, values)
        return
    if values.shape not in (tuple(shape[:-1]), (*shape[:-1], 1)):
        raise UserError(
            f"the labels of the {name} have shape {list(values.shape)}; expected integers "
            f"{list(shape[:-1])}, or a column for each of the {classes} classes, {list(shape)}"
        )
    if (values != np.round(values)).any():
        broken = values[values != np.round(values)].flat[0]
        raise UserError(
            f"the labels of the {name} hold {broken:g}; a classification takes integers or shares "
            "of the classes: for numbers give a loss such as loss='mean_squared_error', with as "
            "many columns as the network has outputs"
        )
    if values.size and not 0 <= values.min() <= values.max() < classes:
        raise UserError(
            f"the labels of the {name} run from {values.min():g} to {values.max():g}; expected 0 "
            f"to {classes - 1}, the network having {classes} outputs: count labels from 0, or make "
            "it with another num_classes"
        )


def _check_shares(name, values) -> None:
    sums = values.sum(axis=-1)
    if values.min(initial=0) < 0 or np.abs(sums - 1).max(initial=0) > 1e-2:
        raise UserError(
            f"the labels of the {name} have rows that sum to {sums.min():g} up to {sums.max():g}; "
            f"shares of the classes, such as one-hot labels, sum to 1. {_SEVERAL}"
        )


def _check_own(name, labels, values, losses, shape, outputs) -> None:
    """Labels for a loss that is given in place of the cross-entropy."""
    called = keras_losses.name_of(losses)
    if called is None:
        return
    shares = are_shares(labels, tf.zeros((0, *shape[1:])))
    if called in keras_losses.OF_INTEGERS:
        if shares:
            raise UserError(
                f"the labels of the {name} have shape {list(values.shape)}, and {called} takes "
                "integers [batch]: give loss='categorical_crossentropy', or no loss at all"
            )
        _check_classes(name, values, shape)
    elif labels.shape != shape:
        todo = ", or give no loss at all" if called in keras_losses.OF_SHARES else ""
        raise UserError(
            f"the targets of the {name} have shape {list(values.shape)}, and {called} compares "
            f"them with outputs {list(shape)}; give both the same shape, classes as "
            f"tf.one_hot(labels, {shape[-1]}){todo}"
        )
    elif called in keras_losses.OF_SHARES:
        _check_shares(name, values)
    elif called in keras_losses.OF_EACH and not 0 <= values.min() <= values.max() <= 1:
        raise UserError(
            f"the labels of the {name} run from {values.min():g} to {values.max():g}, and {called} "
            "takes 0 and 1"
        )
    _check_probabilities(called, losses, outputs)


def _check_probabilities(called, losses, outputs) -> None:
    """Refuses a loss of probabilities where the network returns logits."""
    if outputs is None or not keras_losses.takes_probabilities(losses):
        return
    found = np.asarray(outputs())
    if found.min() < 0 or found.max() > 1:
        todo = "give a loss of logits, such as 'categorical_crossentropy'"
        if called not in keras_losses.OF_PROBABILITIES:
            todo = "give it from_logits=True, or its name alone"
        raise UserError(
            f"the loss {called} takes probabilities, and the network returns logits (from "
            f"{found.min():.3g} to {found.max():.3g}); {todo}"
        )
