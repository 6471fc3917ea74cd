"""Losses as Keras' `compile` takes them: by name, as a function, a class or an object."""

import copy
import functools
import inspect
from collections.abc import Callable

import keras

from darts_tf.common.errors import UserError

#: Keras' names of the losses that compare integers, shares of the classes, or each output by itself
#: with outputs.
OF_INTEGERS = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
OF_SHARES = (
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "kl_divergence",
)
OF_EACH = ("binary_crossentropy", "binary_focal_crossentropy")
#: Those that take probabilities and nothing else.
OF_PROBABILITIES = ("categorical_generalized_cross_entropy", "kl_divergence", "dice", "tversky")


def by_example(loss) -> Callable:
    """The losses of a batch's examples, `(targets, outputs) -> [batch, ...]`.

    Args:
        loss: such a function; or what Keras' `compile` takes: the name of a loss, its function, its
            class, a configuration or an object. An object's own mean over the batch is left to the
            task. A cross-entropy that is no object is one of logits, which networks here return.

    Raises:
        UserError: Keras knows no such loss; an object sums over the batch; it is no loss.
    """
    if isinstance(loss, str | dict):
        try:
            loss = keras.losses.get(loss)
        except (ValueError, TypeError) as error:
            raise UserError(
                f"Keras knows no loss {loss!r:.60}; expected a name such as "
                f"{', '.join((*OF_INTEGERS[:1], *OF_SHARES[:2], *OF_EACH, 'mean_squared_error'))}"
            ) from error
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        of_logits = "from_logits" in inspect.signature(loss).parameters
        loss = loss(from_logits=True) if of_logits else loss()
    if isinstance(loss, keras.losses.Loss):
        if loss.reduction == "sum":
            raise UserError(
                f"the loss {loss.name!r} has the reduction 'sum', but the loss of a batch is the "
                "mean over its examples; leave reduction out"
            )
        loss = copy.copy(loss)
        loss.reduction = None
        return loss
    if not callable(loss):
        raise UserError(
            f"the loss is {loss!r:.60}; expected a function of (targets, outputs), a "
            "keras.losses.Loss, or the name of one"
        )
    if _is_of_keras(loss) and "from_logits" in inspect.signature(loss).parameters:
        return functools.partial(loss, from_logits=True)
    return loss


def name_of(losses: Callable) -> str | None:
    """Keras' name of what `by_example` returns; None for a function of the user's own."""
    if isinstance(losses, keras.losses.Loss):
        losses = getattr(losses, "fn", losses)
    if isinstance(losses, functools.partial):
        losses = losses.func
    return getattr(losses, "__name__", None) if _is_of_keras(losses) else None


def takes_probabilities(losses: Callable) -> bool:
    """Whether it is a loss of Keras that is meant for probabilities, not for logits."""
    if isinstance(losses, keras.losses.Loss):
        configuration = losses.get_config()
        if "from_logits" in configuration:
            return not configuration["from_logits"]
    return name_of(losses) in OF_PROBABILITIES


def _is_of_keras(function) -> bool:
    return (getattr(function, "__module__", None) or "").startswith("keras.")
