"""The search: bilevel optimisation of a supernet's weights and alphas."""

from collections.abc import Callable

import keras
import tensorflow as tf
from absl import logging

from darts_tf import methods, tasks
from darts_tf.methods import paper_rate
from darts_tf.methods.method import Method
from darts_tf.runtime import distribution
from darts_tf.runtime.grappler import without_grappler
from darts_tf.search import checks
from darts_tf.search.epoch import NonFiniteError
from darts_tf.search.evaluation import SupernetEvaluation
from darts_tf.search.loop import SearchLoop, StopRequest, Streams
from darts_tf.search.readings import Readings
from darts_tf.search.record import Best, SearchRecord
from darts_tf.search.run import Saving, callback_list, monitored
from darts_tf.search.trainer import SearchTrainer
from darts_tf.supernets.supernet import Supernet

__all__ = ["ArchitectureSearch", "Batches", "NonFiniteError"]

Batches = tf.data.Dataset | Callable[[int], tf.data.Dataset]


class ArchitectureSearch(Readings):
    """Searches the cells of a supernet.

    Each step updates the alphas by the method's hypergradient and then the weights on the training
    batch (Liu, Simonyan, Yang, ICLR 2019, algorithm 1), in one `tf.function` under the current
    `tf.distribute` strategy. Across replicas all gradients are those of the global batch.

    Args:
        supernet: a `Supernet`, created in the scope of the strategy.
        method: the name of a method, or a `Method` of your own.
        weight_optimizer: trains the weights. Default: SGD with the method's momentum and cosine
            schedule over the whole of `fit`.
        architecture_optimizer: trains the alphas. Default: the method's Adam, whose learning rate
            grows where the search is shorter than the paper's unless the method has a number of
            your own; see `darts_tf.methods.paper_rate.PaperRate`.
        loss: `(targets, outputs) -> [batch]`, or of sequences `[batch, time]`, in place of the
            task's. Default: that.
        penalty: is added to the loss that the alphas descend, such as an expected cost: a function
            of the operation weights, cell type -> `[edges, operations]`, to a scalar.
        accumulate_steps: number of equal parts that every batch is computed in, one after another,
            which needs less memory. The gradients are those of the whole batch, but each part is
            normalised by itself.
        jit_compile: whether XLA compiles the step; "auto": on GPUs.
        recompute: whether gradients compute the operations of a cell again instead of keeping what
            is inside them, which needs less memory and more time; same result.
        task: what the data are, the loss, the metrics, and the objective that ranks epochs: a name,
            a `Task` or a configuration, see `darts_tf.tasks`. Default: the classification of
            images, which is ranked by its accuracy.

    Raises:
        UserError: the method or the task is unknown, the method's parts do not fit together, or it
            does not fit the supernet's relaxation or precision.

    Example:
        >>> supernet = Supernet("darts_cnn", (8, 8, 1), num_classes=10, channels=4, cells=3)
        >>> search = ArchitectureSearch(supernet, "darts-v2")
        >>> history = search.fit(train, validation, epochs=10)
        >>> search.genotype().save("genotype.json")
    """

    def __init__(
        self,
        supernet: Supernet,
        method: str | Method = "darts-v1",
        *,
        weight_optimizer: keras.optimizers.Optimizer | None = None,
        architecture_optimizer: keras.optimizers.Optimizer | None = None,
        loss: Callable | None = None,
        penalty: Callable | None = None,
        accumulate_steps: int = 1,
        jit_compile: bool | str = "auto",
        recompute: bool = False,
        task=None,
    ):
        super().__init__(supernet, methods.get(method), tasks.get(task, loss), penalty)
        self.weight_optimizer = weight_optimizer
        self.architecture_optimizer = architecture_optimizer
        self._own_weight_optimizer = weight_optimizer is not None
        self._own_architecture_optimizer = architecture_optimizer is not None
        checks.check_method(self.method, supernet, accumulate_steps)
        checks.check_task(self.task, self.method, supernet)
        checks.check_recompute(recompute, supernet, self.strategy)
        self._options = {
            "penalty": penalty,
            "accumulate_steps": accumulate_steps,
            "jit_compile": jit_compile,
            "recompute": recompute,
        }
        self._trainer = None
        self._evaluation = SupernetEvaluation(supernet, self.task)
        self._stop = StopRequest()
        self._loop: SearchLoop | None = None
        self._record = SearchRecord(self._rule, self.task.objective)

    @property
    def step_entropies(self) -> dict[str, list[float]]:
        """The entropy after every step of the last epoch so far, by cell type; see `entropies`."""
        return self._record.step_entropies

    @property
    def best(self) -> Best | None:
        """The best epoch of the search that `fit` ran last.

        None before its first one has ended and where the selection needs data, because it is too
        slow to choose a cell every epoch.
        """
        return self._record.best

    @property
    def stopped_at(self) -> tuple[int, int] | None:
        """(epoch, step) that a stopped search would go on with; None for one not stopped."""
        return self._loop and self._loop.stopped_at

    @without_grappler()
    def fit(
        self,
        train: Batches,
        validation: Batches,
        epochs: int = 1,
        *,
        callbacks: list[keras.callbacks.Callback] | None = None,
        verbose: int = 1,
        checkpoint_dir=None,
        checkpoint_seconds: float = 300,
        keep_checkpoints: int = 3,
    ) -> keras.callbacks.History:
        """Searches for a number of epochs.

        Each call is a search of its own, from the weights and alphas that the supernet has, unless
        a checkpoint says how to go on: the schedules, the method's optimizers and rule, and `best`
        begin anew, for which the step is traced again. With a `weight_optimizer` of your own, both
        optimizers go on as they are, and nothing is traced again.

        Args:
            train: batches of the task, such as `(images, labels)`, for the weights; one pass is one
                epoch. Either a
                `tf.data.Dataset`, or a function from the number of the epoch to one, which makes a
                resumed search see exactly the batches that an uninterrupted one would have seen.
                Under a strategy a batch is the global batch; its replicas share it equally, and
                several workers must be given the same batches.
            validation: the same for the alphas; repeated if it is shorter. It has an end, because
                the supernet is evaluated on all of it.
            epochs: number of epochs, also the length of the learning rate's schedule.
            callbacks: Keras callbacks; their model is the supernet, `stop_training` is honoured. A
                `CollapseMonitor` is put before them unless there is one.
            verbose: 0 silent, 1 progress bar, 2 a line an epoch.
            checkpoint_dir: a folder. When given, a checkpoint is written to it after each epoch,
                every `checkpoint_seconds` and on `stop`, and a search that finds one there goes
                on from the very step. One of a search with other settings is refused, but more
                `epochs` are taken, with a warning: from there on the schedules are those of so many
                epochs, so that it is not the same as a search of so many from the start.
            checkpoint_seconds: default 300.
            keep_checkpoints: how many checkpoints stay there.

        Returns:
            The Keras history of this call; `stopped_at` tells whether it is the whole search. An
            epoch has `loss` and the task's metrics, such as `accuracy`, on the training batches,
            `architecture_loss`, the loss that the alphas descend, unless they are frozen,
            `val_loss`, `val_accuracy` and so on of the supernet on all of `validation`, with moving
            statistics that were measured on the inputs of its first 19 batches
            (`darts_tf.runtime.recalibration`), `entropy`, the mean over all
            edges of the entropy of the operation weights in nats, `entropy_normal` and so on, its
            sum over the edges of a cell type, `learning_rate`, and what the `CollapseMonitor`
            measures; with an estimator that samples architectures also `loss_evaluations` and
            `gradient_variance` (`darts_tf.gradients.Estimator.report`).

        Raises:
            NonFiniteError: the loss or a gradient stopped being finite.
            OutOfMemoryError: there was not enough memory.
            UserError: the data are empty, have no end or cannot be shared equally, a checkpoint
                does not fit, or another worker is lost.
        """
        streams = Streams(by_epoch(train), by_epoch(validation))
        steps = checks.count_steps(streams.train(0), streams.validation(0))
        checks.check_streams(self.task, streams)
        begins = self._prepare(epochs, steps, streams.batch_sizes)
        saving = Saving(checkpoint_dir, checkpoint_seconds, keep_checkpoints)
        monitor, callbacks = monitored(self, callbacks or [])
        position = self._record.open(saving.open(self, epochs, steps), monitor)
        if begins:
            self._say_rate(self.method.architecture_steps(epochs, steps))
        self._rule.prepare(checkpoint_dir, distribution.is_chief(self.strategy))
        self._hessian_batch = lambda: next(iter(streams.validation(0)))
        self.supernet.stop_training = False
        calls, history = callback_list(self, callbacks, verbose, epochs, steps)
        self._loop = SearchLoop(self, self._trainer, self._record, self._rule, self._stop)
        self._loop.run(streams, position, epochs, calls)
        return history

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

        Raises:
            UserError: the data have no end.
        """
        return self._evaluation.evaluate(data)

    def validate(self, data: tf.data.Dataset) -> dict[str, float]:
        """Evaluates with moving statistics that are measured on the first batches of images.

        What `fit` does after every epoch; in one pass over the data.
        """
        return self.evaluate(self._evaluation.measure_statistics(data))

    def recall(self, notes: dict) -> None:
        """Takes over what the notes of a checkpoint say of the method's rule and its decisions."""
        self._rule.restore(notes.get("rule"))

    def _prepare(self, epochs: int, steps: int, batch_sizes: dict[str, int | None]) -> bool:
        """Makes the optimizers and the traced step, unless there are some with a user's optimizer.

        Returns:
            Whether they are new.
        """
        if self._trainer is not None and self._own_weight_optimizer:
            checks.check_batch_sizes(self.task, self._trainer.batch_sizes, batch_sizes)
            return False
        if not self._own_weight_optimizer:
            self.weight_optimizer = None
        if not self._own_architecture_optimizer:
            self.architecture_optimizer = None
        with self.strategy.scope():
            self._trainer = SearchTrainer(
                self.supernet,
                self.method.at_length(epochs, steps),
                self.task,
                self.weight_optimizer,
                self.architecture_optimizer,
                epochs * steps,
                batch_sizes,
                **self._options,
            )
        self.weight_optimizer = self._trainer.weight_optimizer
        self.architecture_optimizer = self._trainer.architecture_optimizer
        return True

    def _say_rate(self, steps: int) -> None:
        """Says what learning rate the alphas have, unless a user's own optimizer has it."""
        if self.supernet.architecture_variables and not self._own_architecture_optimizer:
            rate = float(tf.convert_to_tensor(self.architecture_optimizer.learning_rate))
            logging.info(paper_rate.describe(rate, self.method.architecture_learning_rate, steps))

    @property
    def accumulate_steps(self) -> int:
        """Number of parts that every batch is computed in."""
        return self._options["accumulate_steps"]

    def checkpointed(self) -> dict[str, list]:
        """All variables that a search goes on from."""
        return self._trainer.variables


def by_epoch(data: Batches) -> Callable[[int], tf.data.Dataset]:
    """The function from the number of the epoch to batches that data are, or give always."""
    return data if callable(data) else lambda epoch: data
