"""What an `ArchitectureTuner` can be told."""

from collections.abc import Sequence

import keras_tuner

from darts_tf.common.errors import UserError
from darts_tf.methods import Method

SCORE = keras_tuner.Objective("val_accuracy", "max")


def check_method(method: Method) -> None:
    """Refuses a method whose search is more than one search of a supernet.

    Raises:
        UserError: says which methods are not among those that a tuner takes.
    """
    if method.stages or method.fine_tune_epochs or not method.trains:
        raise UserError(
            f"the method {method.name!r} searches in stages or trains between its decisions, or "
            "trains no supernet, so it is no single search; ArchitectureTuner takes those that are"
        )


def check_oracle(oracle: keras_tuner.Oracle) -> None:
    """Refuses an oracle that does not maximise `val_accuracy`.

    Raises:
        UserError: it has another objective.
    """
    objective = oracle.objective
    if (getattr(objective, "name", None), getattr(objective, "direction", None)) != (
        SCORE.name,
        SCORE.direction,
    ):
        raise UserError(
            "the oracle has another objective; expected "
            "objective=keras_tuner.Objective('val_accuracy', 'max')"
        )


def check_rate(name: str, given) -> float | tuple[float, float] | None:
    """A learning rate, or the pair of the least and the greatest.

    Raises:
        UserError: it is neither.
    """
    rates = tuple(given) if isinstance(given, Sequence) else (given,)
    numbers = [rate for rate in rates if rate is not None]
    if rates != (None,) and (
        len(numbers) not in (1, 2)
        or len(numbers) != len(rates)
        or numbers != sorted(set(numbers))
        or numbers[0] <= 0
    ):
        raise UserError(
            f"{name} is {given!r}; expected a number above 0, or the least and the greatest"
        )
    return rates if len(rates) == 2 else rates[0]
