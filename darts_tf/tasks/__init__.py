"""Tasks: what the data are, what a network is trained for, and by what networks are ranked."""

from darts_tf.common.registry import Registry
from darts_tf.tasks.forecasting import Forecasting
from darts_tf.tasks.image_classification import ImageClassification
from darts_tf.tasks.image_regression import ImageRegression
from darts_tf.tasks.language_modeling import LanguageModeling
from darts_tf.tasks.metrics import ElementMean, MeanLoss, Metric, Objective, elements
from darts_tf.tasks.multi_label import MultiLabelClassification
from darts_tf.tasks.pass_state import PassState
from darts_tf.tasks.task import Examples, Task

__all__ = [
    "ElementMean",
    "Examples",
    "Forecasting",
    "ImageClassification",
    "ImageRegression",
    "LanguageModeling",
    "MeanLoss",
    "Metric",
    "MultiLabelClassification",
    "Objective",
    "Parts",
    "PassState",
    "Task",
    "elements",
    "get",
    "label",
    "names",
    "register",
    "serialize",
]

#: The former name of `Examples`.
Parts = Examples

_BUILT_IN: dict[str, Task] = {
    "image_classification": ImageClassification(),
    "multi_label_classification": MultiLabelClassification(),
    "image_regression": ImageRegression(),
    "forecasting": Forecasting(),
    "language_modeling": LanguageModeling(),
    "character_modeling": LanguageModeling("bits_per_character"),
}
_TASKS = Registry("task", _BUILT_IN, Task)


def register(name: str, task: Task, *, replace: bool = False) -> Task:
    """Makes a task of your own known by a name; returns it.

    Args:
        name: what files and command lines call it.
        task: the task, or its class.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another task has that name; the same definition may come again.
    """
    return _TASKS.register(name, task, replace)


def names() -> tuple[str, ...]:
    """The names of all tasks."""
    return tuple(_TASKS)


def get(task=None, loss=None) -> Task:
    """The task that a name, a `Task`, its class or a configuration stands for.

    Args:
        task: one of these; None for the classification of images; a function of losses, see `loss`,
            for that classification with other losses.
        loss: in place of the task's losses: `(targets, outputs) -> [batch]` or `[batch, time]`, or
            what Keras' `compile` takes, see `darts_tf.tasks.keras_losses`; None for those.

    Raises:
        UserError: no task, or no loss, has that name; it is something else.
    """
    if callable(task) and not isinstance(task, Task | type):
        return get(None, task if loss is None else loss)
    found = _TASKS.resolve("image_classification" if task is None else task)
    return found if loss is None else found.with_loss(loss)


def serialize(task):
    """The name or configuration that `get` makes it of again; itself if it has neither."""
    if isinstance(task, str):
        return task
    found = get(task)
    # Losses of `with_loss` have no name.
    return found if "losses" in vars(found) else _TASKS.serialize(found)


def label(task) -> str:
    """How the settings of a run call the task: its name, or that of its class."""
    return _TASKS.label(task)
