"""The search of one supernet, a stage of the whole search."""

from collections.abc import Mapping

import keras
import tensorflow as tf
from absl import logging

from darts_tf.methods import paper_rate
from darts_tf.methods.method import Method
from darts_tf.runtime import distribution
from darts_tf.search import checks, streams
from darts_tf.search.epoch import StopRequest
from darts_tf.search.evaluation import SupernetEvaluation
from darts_tf.search.loop import SearchLoop, Streams
from darts_tf.search.readings import Readings
from darts_tf.search.record import Best, SearchRecord
from darts_tf.search.state import SearchState
from darts_tf.search.trainer import SearchTrainer
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task
from darts_tf.tasks.streams import one_stream


class StageSearch(Readings):
    """Searches the cells of one supernet after the other.

    Args:
        supernet, method: as for `Readings`.
        optimizers: a user's own ones for the weights and for the alphas, None for the method's.
            They train the first supernet; a later one is trained by new ones of their settings.
        task: what they are searched for.
        options: `penalty`, `accumulate_steps`, `jit_compile`, `recompute` of `SearchTrainer`.

    Attributes:
        weight_optimizer, architecture_optimizer: those in use; None before the first `fit`, unless
            they are given.
        trainer: the optimizers and the traced step; None before the first `fit`.
    """

    def __init__(
        self,
        supernet: Supernet,
        method: Method,
        optimizers: tuple[keras.optimizers.Optimizer | None, keras.optimizers.Optimizer | None],
        task: Task,
        options: dict,
    ):
        self.weight_optimizer, self.architecture_optimizer = optimizers
        self._given = optimizers
        self._options = options
        self._stop = StopRequest()
        self._streams: Streams | None = None
        super().__init__(supernet, method, task, options["penalty"])

    def _begin(self, supernet: Supernet) -> None:
        """Forgets all that belongs to the supernet before."""
        super()._begin(supernet)
        self.trainer = None
        self._evaluation = SupernetEvaluation(supernet, self.task)
        self._loop: SearchLoop | None = None
        self._record = SearchRecord(self._rule, self.task.objective)

    def _change_supernet(self, supernet: Supernet) -> None:
        """Goes on with another supernet, from the beginning."""
        if hasattr(self._penalty, "of_supernet"):
            self._penalty = self._penalty.of_supernet(supernet)
            self._options = {**self._options, "penalty": self._penalty}
        self.weight_optimizer, self.architecture_optimizer = self._own_anew()
        self._begin(supernet)

    def go_on_with(self, supernet: Supernet) -> SearchState:
        """Goes on with another supernet within the stage; returns the state to transfer from.

        The optimizers are new ones of the same settings, without values.
        """
        before = self.trainer.state
        supernet.stop_training = self.supernet.stop_training
        if hasattr(self._penalty, "of_supernet"):
            self._penalty = self._penalty.of_supernet(supernet)
            self._options = {**self._options, "penalty": self._penalty}
        self.weight_optimizer, self.architecture_optimizer = self._own_anew()
        self.supernet, self._hessian = supernet, None
        self._evaluation = SupernetEvaluation(supernet, self.task)
        self._make_trainer()
        self._record.regroup(self.checkpointed())
        return before

    def _own_anew(self):
        """Optimizers of the settings of the user's own ones, None for those that are not."""
        return [own and type(own).from_config(own.get_config()) for own in self._given]

    @property
    def step_entropies(self) -> dict[str, list[float]]:
        """The entropy after every step of the last epoch so far, by cell type; see `entropies`."""
        return self._record.step_entropies

    @property
    def best(self) -> Best | None:
        """The best epoch of the search that `fit` ran last, of its last stage.

        None before its first one has ended and where the selection needs data, because it is too
        slow to choose a cell every epoch.
        """
        return self._record.best

    @property
    def stopped_at(self) -> tuple[int, int] | None:
        """(epoch, step) that a stopped search would go on with; None for one not stopped."""
        return self._loop and self._loop.stopped_at

    def stop(self) -> None:
        """Makes `fit` write a checkpoint after the step it is in, and return.

        Unlike Keras' `stop_training` it does not end the search: a later `fit` with the same
        checkpoint folder goes on with the next step. Safe to call from a signal handler.
        """
        self._stop.made = True

    @property
    def interruptible(self) -> bool:
        """Whether an exception may be raised in `fit` now without losing a step.

        So it is from the start to the end of the first step, after a checkpoint to the end of the
        next one, and in an evaluation, because then a checkpoint is written if there are any. Never
        with several workers, which have to stop together.
        """
        if distribution.workers(self.strategy) > 1:
            return False
        evaluating = self._loop is not None and self._loop.evaluating
        return evaluating or not self._record.unsaved

    def evaluate(self, data: tf.data.Dataset) -> dict[str, float]:
        """Mean loss and the task's metrics, such as accuracy, of the supernet on batches.

        Batch normalisation uses its moving statistics, as in any Keras `evaluate`. `fit` measures
        them after every epoch.

        Args:
            data: a data set, arrays `(images, labels)`, or another iterable of batches.

        Raises:
            UserError: the data have no end, or the supernet and the task do not take them.
        """
        data = streams.one("data to evaluate on", data, self.task, self.supernet)
        return self._evaluation.evaluate(data)

    def training_batch(self):
        """The first training batch of epoch 0 of the data that `fit` was given."""
        return next(iter(self._streams.train(0)))

    def validate(self, data: tf.data.Dataset) -> dict[str, float]:
        """Evaluates with moving statistics that are measured on the first batches of images.

        What `fit` does after every epoch; in one pass over the data.
        """
        data = one_stream("validation data", data)
        return self.evaluate(self._evaluation.measure_statistics(data))

    def checkpointed(self) -> dict[str, list]:
        """All variables that a search goes on from."""
        return self.trainer.variables

    @property
    def accumulate_steps(self) -> int:
        """Number of parts that every batch is computed in."""
        return self._options["accumulate_steps"]

    def _prepare(
        self, method: Method, epochs: int, steps: int, batch_sizes: Mapping[str, int | None]
    ) -> bool:
        """Makes the optimizers and the traced step, unless there are some with a user's optimizer.

        Args:
            method: of the stage.
            epochs, steps: of the stage, and of an epoch.
            batch_sizes: of the streams, by their names.

        Returns:
            Whether they are new.
        """
        if self.trainer is not None and self._given[0] is not None:
            checks.check_batch_sizes(self.task, self.trainer.batch_sizes, batch_sizes)
            return False
        self._length = method.at_length(epochs, steps), epochs * steps, batch_sizes
        self._make_trainer()
        return True

    def _make_trainer(self) -> None:
        """Makes the optimizers and the traced step of a search of the length that it has."""
        own_weights, own_architecture = (own is not None for own in self._given)
        method, steps, batch_sizes = self._length
        with self.strategy.scope():
            self.trainer = SearchTrainer(
                self.supernet,
                method,
                self.task,
                self.weight_optimizer if own_weights else None,
                self.architecture_optimizer if own_architecture else None,
                steps,
                batch_sizes,
                **self._options,
            )
        self.weight_optimizer = self.trainer.weight_optimizer
        self.architecture_optimizer = self.trainer.architecture_optimizer

    def _say_rate(self, steps: int) -> None:
        """Says what learning rate the alphas have, unless a user's own optimizer has it."""
        if self.supernet.architecture_variables and self._given[1] is None:
            rate = float(tf.convert_to_tensor(self.architecture_optimizer.learning_rate))
            logging.info(paper_rate.describe(rate, self.method.architecture_learning_rate, steps))
