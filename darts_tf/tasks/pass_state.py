"""The state of one pass over batches, where a task carries one."""

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks.task import Task


class PassState:
    """The state that goes from batch to batch of a pass, on one device.

    Args:
        task: a task with a state, or without: then nothing goes on.
        model: what the batches go through.
    """

    def __init__(self, task: Task, model: keras.Model):
        self._task, self._model = task, model
        self._examples = self._state = None

    def before(self, batch) -> tuple:
        """The state before a batch, for `Task.call`, in a tuple; an empty one where there is none.

        Args:
            batch: an element of the data set.

        Raises:
            UserError: it has another number of examples than those before it.
        """
        if not self._task.carries_state:
            return ()
        examples = tf.nest.flatten(self._task.unpack(batch).inputs)[0].shape[0]
        if self._examples is None:
            self._examples = examples
            self._state = self._task.initial_state(self._model, examples)
        if examples != self._examples:
            raise UserError(
                f"the task {self._task.name!r} carries a state from batch to batch, so that all "
                f"must have the same number of examples; got {self._examples} and then {examples}"
            )
        return (self._state,)

    def after(self, state) -> None:
        """Takes the state after the batch."""
        self._state = state
