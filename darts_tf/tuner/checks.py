"""Checks of the arguments of an `ArchitectureTuner`."""

from collections.abc import Sequence

import keras_tuner

from darts_tf import macros, tasks
from darts_tf.common.errors import UserError
from darts_tf.methods import Method
from darts_tf.spaces import Space
from darts_tf.tasks import data_check


def trial_objective(task=None) -> keras_tuner.Objective:
    """The objective that ranks trials: the task's, on the validation data.

    Args:
        task: see `darts_tf.tasks`; None for the classification of images: `val_accuracy`.
    """
    objective = tasks.get(task).objective
    return keras_tuner.Objective(f"val_{objective.name}", objective.direction)


def check_method(method: Method) -> None:
    """Refuses a method that trains no supernet.

    Raises:
        UserError: says so.
    """
    if not method.trains:
        raise UserError(
            f"the method {method.name!r} trains no supernet, so that a trial has nothing to rank "
            "it by; ArchitectureTuner takes the methods that search"
        )


def check_oracle(oracle: keras_tuner.Oracle, task=None) -> None:
    """Refuses an oracle that has another objective than the task.

    Raises:
        UserError: says which one is expected.
    """
    objective, expected = oracle.objective, trial_objective(task)
    if (getattr(objective, "name", None), getattr(objective, "direction", None)) != (
        expected.name,
        expected.direction,
    ):
        raise UserError(
            "the oracle has another objective; expected "
            f"objective=keras_tuner.Objective({expected.name!r}, {expected.direction!r})"
        )


def check_arrays(task: tasks.Task) -> None:
    """Refuses data that have to be cut into halves by their labels, where there are none.

    Raises:
        UserError: the task is no classification.
    """
    if not isinstance(task, tasks.ImageClassification):
        raise UserError(
            f"the data of the task {task.name!r} are not cut by labels into the weights' and the "
            "alphas' half; cut them yourself and give a darts_tf.tuner.SearchData"
        )


def check_data(data, task: tasks.Task, space: Space, input_shape, num_classes: int) -> None:
    """Looks at images and labels before the first trial; see `darts_tf.tasks.data_check`.

    Args:
        data: a `SearchData`.
        task: of the tuner; of others than the classification of images trials find out.
        space, input_shape, num_classes: of the tuner.

    Raises:
        UserError: says what networks of that shape cannot take, and what to do.
    """
    if not isinstance(task, tasks.ImageClassification):
        return
    spec = macros.get(space.macro).signature(input_shape)
    takes = data_check.Takes(spec, lambda shape: (shape[0], num_classes), None)
    for name, batches in (
        ("training data", data.batches(0)),
        ("weights' half of them", data.halves[0](0)),
        ("alphas' half of them", data.halves[1](0)),
        ("validation data", data.validation),
    ):
        data_check.check(name, batches, task, takes)


def check_values(name: str, given) -> list:
    """The values that an argument has, which may be one.

    Raises:
        UserError: it has none.
    """
    several = isinstance(given, Sequence) and not isinstance(given, str)
    found = list(given) if several else [given]
    if not found:
        raise UserError(f"{name} is {given!r}; expected a value, or several")
    return found


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
