"""The steps of an epoch of a search."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.runtime import distribution
from darts_tf.search.record import SearchRecord

_INCOMPLETE = (
    "the gradient of the validation loss in the weights is zero or not finite in step %d of epoch "
    "%d, so the second-order term cannot be estimated there: the architecture moves by the "
    "first-order gradient in such steps. This is said once"
)


class NonFiniteError(UserError):
    """The loss or a gradient is infinite or not a number."""


class StepsDone(NamedTuple):
    """The outcome of the steps of an epoch.

    Attributes:
        logs: the means over the epoch.
        stopped_at: the step that a search which was stopped goes on with; None if it was not.
    """

    logs: dict[str, float]
    stopped_at: int | None


class StopRequest:
    """Whether a search has been asked to stop after the step it is in."""

    def __init__(self):
        self.made = False

    def take(self) -> None:
        """The search stops, so that a later one may go on."""
        self.made = False


class EpochSteps:
    """Takes the steps of one epoch after the other.

    Args:
        search: the `ArchitectureSearch`, whose trainer has the step.
        record: notes each step, and saves where that is due.
        stop: whether the search is to stop after the step it is in.
    """

    def __init__(self, search, record: SearchRecord, stop: StopRequest):
        self._search = search
        self._record = record
        self._stop = stop
        self._said_incomplete = False

    def run(
        self,
        train: tf.data.Dataset,
        validation: tf.data.Dataset,
        epoch: int,
        start: int,
        frozen: bool,
        calls: keras.callbacks.CallbackList,
    ) -> StepsDone:
        """Takes the steps of an epoch from step `start` on.

        Args:
            train, validation: batches of the epoch.
            epoch, start: counted from 0.
            frozen: whether the alphas stay.
            calls: are told before and after each step.

        Raises:
            NonFiniteError: the loss or a gradient is not finite.
        """
        train_step, strategy = self._search.trainer.train_function, self._search.strategy
        cell_types = self._search.supernet.space.cell_types
        if start == 0:
            train_step.reset_metrics()
            train_step.begin_pass("train")
            train_step.begin_pass("validation")
            self._record.begin_epoch()
        batches = tf.data.Dataset.zip((train, validation.repeat())).skip(start)
        shared = distribution.share_batches(strategy, batches)
        logs = train_step.logs(frozen)
        # It is known where the task carries a state.
        length = int(validation.cardinality())
        for step, batch in enumerate(shared, start=start):
            if step and step % length == 0:
                train_step.begin_pass("validation")
            calls.on_train_batch_begin(step)
            finite, complete, entropies = train_step(*batch, frozen)
            by_type = dict(zip(cell_types, entropies.numpy().tolist(), strict=True))
            self._record.after_step(by_type)
            logs = train_step.logs(frozen)
            _check_finite(finite.numpy(), logs, epoch, step)
            self._say_incomplete(complete.numpy(), epoch, step)
            calls.on_train_batch_end(step, logs)
            stop, due = distribution.any_worker(strategy, self._stop.made, self._record.due)
            if stop or due:
                self._record.save(epoch, step + 1)
            if stop:
                return StepsDone(logs, step + 1)
        return StepsDone(logs, None)

    def _say_incomplete(self, complete: float, epoch: int, step: int) -> None:
        if not complete and not self._said_incomplete:
            self._said_incomplete = True
            logging.warning(_INCOMPLETE, step + 1, epoch + 1)


def _check_finite(finite: float, logs: dict, epoch: int, step: int) -> None:
    """Stops a search whose numbers have no meaning any more.

    Args:
        finite: not finite if a number that entered an optimizer was not.
        logs: the epoch's so far.
        epoch, step: where, counted from 0.
    """
    architecture_loss = logs.get("architecture_loss", 0.0)
    if not np.isfinite(finite + logs["loss"] + architecture_loss):
        raise NonFiniteError(
            f"the loss or a gradient is not finite in step {step + 1} of epoch {epoch + 1} (mean "
            f"loss {logs['loss']:g}, mean architecture loss {architecture_loss:g}); likely causes: "
            "a learning rate that is too high, or images that are not normalised. The last "
            "checkpoint is from before it"
        )
