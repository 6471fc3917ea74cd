"""The loop over the epochs of a search."""

import contextlib
import math

import keras
import tensorflow as tf
from absl import logging

from darts_tf import selections
from darts_tf.methods.method import Method
from darts_tf.runtime import distribution, out_of_memory
from darts_tf.search import checks
from darts_tf.search.epoch import EpochSteps, StopRequest
from darts_tf.search.record import SearchRecord
from darts_tf.search.rule_follower import RuleFollower
from darts_tf.search.streams import Streams, naming_labels

_NOT_FINITE = (
    "the validation loss of epoch %d is not finite, although the training's is: with moving "
    "statistics in place of a batch's own, numbers of a supernet can grow without bounds. The "
    "search goes on, and this epoch is not its best one; a smaller weight learning rate may help"
)


class SearchLoop:
    """Runs the epochs of a search: schedules, steps, evaluation, rule, callbacks, checkpoints.

    Args:
        search: the `ArchitectureSearch`.
        method: of the stage that is searched.
        record: what the checkpoints hold.
        rule: follows the method's rule.
        stop: asked for by `ArchitectureSearch.stop`.

    Attributes:
        evaluating: whether it is between the last step of an epoch and what follows from it.
        stopped_at: (epoch, step) that a stopped search would go on with; None for one that was not
            stopped.
    """

    def __init__(
        self,
        search,
        method: Method,
        record: SearchRecord,
        rule: RuleFollower,
        stop: StopRequest,
    ):
        self._search = search
        self._method = method
        self._record = record
        self._rule = rule
        self._stop = stop
        self._steps = EpochSteps(search, record, stop)
        self.evaluating = False
        self.stopped_at: tuple[int, int] | None = None

    def run(
        self,
        streams: Streams,
        position: tuple[int, int],
        epochs: int,
        calls: keras.callbacks.CallbackList,
    ) -> None:
        """Runs the epochs from a position on, until the last one, the rule or a stop ends them.

        Args:
            streams: the data.
            position: (epoch, step) of the first step, counted from 0.
            epochs: of the whole search.
            calls: the callbacks.
        """
        epoch, start = position
        calls.on_train_begin()
        logs = {}
        while self._goes_on(epoch, epochs):
            frozen = self._set_schedules(epoch, epochs)
            calls.on_epoch_begin(self._search.first_epoch + epoch)
            logs = self._run_epoch(streams, epoch, start, frozen, calls)
            if self.stopped_at:
                return
            logs |= self._logs_of_epoch()
            supernet = self._search.supernet
            if not selections.needs_data(self._method.selection):
                self._record.after_epoch(epoch, logs, self._search.genotype)
            self._rule.after_epoch(epoch, epochs, logs)
            calls.on_epoch_end(self._search.first_epoch + epoch, logs)
            epoch, start = self._rule.next_epoch(epoch), 0
            if self._search.supernet is not supernet:
                calls.set_model(self._search.supernet)
            # After the callbacks: what they wrote about an epoch that has to be repeated is
            # replaced, while an epoch that they never saw would be missing for good.
            self._record.save(epoch)
            if any(distribution.any_worker(self._search.strategy, self._stop.made)):
                self._stop.take()
                if self._goes_on(epoch, epochs) or not self._search.in_last_stage:
                    self.stopped_at = self._search.first_epoch + epoch, 0
                    return
        calls.on_train_end(logs)

    def _goes_on(self, epoch: int, epochs: int) -> bool:
        return epoch < epochs and not self._rule.ended and not self._search.supernet.stop_training

    def _run_epoch(self, streams, epoch, start, frozen, calls) -> dict[str, float]:
        """The steps of an epoch and the evaluation after them; returns their logs."""
        strategy = self._search.strategy
        advice = checks.less_memory(self._method)
        with (
            distribution.naming_lost_workers(strategy),
            naming_labels(),
            out_of_memory.explained(f"epoch {epoch + 1}", streams.batch_size, advice),
        ):
            train = streams.train(epoch)
            steps = int(train.cardinality())
            done = self._steps.run(train, streams.validation(epoch), epoch, start, frozen, calls)
            if done.stopped_at is not None:
                self._stop.take()
                self.stopped_at = self._search.first_epoch + epoch, done.stopped_at
                return done.logs
            with self._interruption(epoch, steps):
                found = self._search.validate(streams.validation(epoch))
        if not math.isfinite(found["loss"]):
            logging.warning(_NOT_FINITE, epoch + 1)
        return done.logs | {f"val_{name}": value for name, value in found.items()}

    @contextlib.contextmanager
    def _interruption(self, epoch: int, steps: int):
        """While all steps of an epoch are done and nothing else has changed."""
        if distribution.workers(self._search.strategy) > 1:
            yield
            return
        with self._record.saving_if_broken_off(epoch, steps):
            self.evaluating = True
            try:
                yield
            finally:
                self.evaluating = False

    def _logs_of_epoch(self) -> dict[str, float]:
        """The logs of an epoch besides the losses."""
        logs = {f"entropy_{name}": value for name, value in self._search.entropies().items()}
        logs["entropy"] = self._search.entropy()
        rate = self._search.weight_optimizer.learning_rate
        logs["learning_rate"] = float(tf.convert_to_tensor(rate))
        if self._rule.growth is not None:
            logs |= self._rule.growth.logs()
        return logs | self._search.trainer.report()

    def _set_schedules(self, epoch: int, epochs: int) -> bool:
        """Sets what the method says for an epoch; returns whether the alphas are frozen."""
        method, architecture = self._method, self._search.supernet.architecture
        for name, schedule in method.controls.items():
            # The others are the search's own.
            if name in architecture.controls:
                architecture.set_control(name, schedule(epoch, epochs))
        return method.is_frozen(epoch, epochs)
