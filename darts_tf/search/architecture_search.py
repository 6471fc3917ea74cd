"""The search: bilevel optimisation of a supernet's weights and alphas."""

import contextlib
import itertools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf import methods, selections
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import one_pass
from darts_tf.genotypes import decidedness
from darts_tf.genotypes.genotype import Genotype
from darts_tf.methods import paper_rate
from darts_tf.methods.method import Method
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runs.settings import Changeable
from darts_tf.runtime import distribution, out_of_memory, recalibration
from darts_tf.runtime.grappler import without_grappler
from darts_tf.search import checks, record
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.search.record import Best, SearchRecord
from darts_tf.search.rule_follower import RuleFollower
from darts_tf.search.trainer import SearchTrainer
from darts_tf.supernets.supernet import Supernet
from darts_tf.supernets.validation_hessian import ValidationHessian

Batches = tf.data.Dataset | Callable[[int], tf.data.Dataset]


_INCOMPLETE = (
    "the gradient of the validation loss in the weights is zero or not finite in step %d of epoch "
    "%d, so the second-order term cannot be estimated there: the architecture moves by the "
    "first-order gradient in such steps. This is said once"
)


class NonFiniteError(UserError):
    """The loss or a gradient is infinite or not a number."""


class ArchitectureSearch:
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
        loss: `(labels, logits) -> [batch]`. Default: cross-entropy of integer labels.
        penalty: is added to the loss that the alphas descend, such as an expected cost: a function
            of the operation weights, cell type -> `[edges, operations]`, to a scalar.
        accumulate_steps: number of equal parts that every batch is computed in, one after another,
            which needs less memory. The gradients are those of the whole batch, but each part is
            normalised by itself.
        jit_compile: whether XLA compiles the step; "auto": on GPUs.
        recompute: whether gradients compute the operations of a cell again instead of keeping what
            is inside them, which needs less memory and more time; same result.

    Raises:
        UserError: the method is unknown, its parts do not fit together, or it does not fit the
            supernet's relaxation or precision.

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
    ):
        self.supernet = supernet
        self.method = methods.get(method)
        self.strategy = tf.distribute.get_strategy()
        self.weight_optimizer = weight_optimizer
        self.architecture_optimizer = architecture_optimizer
        self._own_weight_optimizer = weight_optimizer is not None
        self._own_architecture_optimizer = architecture_optimizer is not None
        checks.check_method(self.method, supernet, accumulate_steps)
        checks.check_recompute(recompute, supernet, self.strategy)
        self._loss = loss or keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=None, dtype="float32"
        )
        self._options = {
            "penalty": penalty,
            "accumulate_steps": accumulate_steps,
            "jit_compile": jit_compile,
            "recompute": recompute,
        }
        self._trainer = None
        self._hessian = None
        self._hessian_batch = None
        self._frozen = False
        self._predict = tf.function(
            lambda images: supernet(images, training=False), reduce_retracing=True, autograph=False
        )
        self._recalibrate = recalibration.Recalibration(supernet)
        self._stop_requested = self._evaluating = False
        self._rule = RuleFollower(self)
        self._record = SearchRecord(self._rule)
        self._said_incomplete = False
        #: (epoch, step) that a stopped search would go on with; None for one that was not stopped.
        self.stopped_at: tuple[int, int] | None = None

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
            train: batches of `(images, labels)` for the weights; one pass is one epoch. Either a
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
            epoch has `loss` and `accuracy` on the training batches, `architecture_loss`, the loss
            that the alphas descend, unless they are frozen, `val_loss` and `val_accuracy` of the
            supernet on all of `validation`, with moving statistics that were measured on the images
            of its first 19 batches (`darts_tf.runtime.recalibration`), `entropy`, the mean over all
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
        train, validation = _by_epoch(train), _by_epoch(validation)
        steps = checks.count_steps(train(0), validation(0))
        begins = self._prepare(epochs, steps)
        chief = distribution.is_chief(self.strategy)
        checkpoints = checkpoint_dir and Checkpoints(
            checkpoint_dir,
            self.checkpointed(),
            keep=keep_checkpoints,
            seconds=checkpoint_seconds,
            writes=chief,
            settings=self._settings(epochs, steps),
            changeable=Changeable(raised=("epochs",)),
        )
        monitor, callbacks = self._monitored(callbacks or [])
        epoch, start = self._record.open(checkpoints, monitor)
        if begins:
            self._say_rate(self.method.architecture_steps(epochs, steps))
        self._rule.prepare(checkpoint_dir, chief)
        self._hessian_batch = lambda: next(iter(validation(0)))
        self.supernet.stop_training = False
        self.stopped_at = None
        self._said_incomplete = False
        calls = keras.callbacks.CallbackList(
            [*callbacks, history := keras.callbacks.History()],
            add_progbar=verbose != 0,
            model=self.supernet,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
        batch_size = tf.nest.flatten(train(0).element_spec)[0].shape[0]
        advice = checks.less_memory(self.method)
        calls.on_train_begin()
        logs = {}
        while epoch < epochs and not self._rule.ended and not self.supernet.stop_training:
            self._set_schedules(epoch, epochs)
            calls.on_epoch_begin(epoch)
            with (
                distribution.naming_lost_workers(self.strategy),
                out_of_memory.explained(f"epoch {epoch + 1}", batch_size, advice),
            ):
                logs = self._run_epoch(train(epoch), validation(epoch), epoch, start, calls)
                if self.stopped_at:
                    return history
                with self._interruption(epoch, steps):
                    logs |= {f"val_{k}": v for k, v in self._validate(validation(epoch)).items()}
            logs |= self._logs_of_epoch()
            if not selections.needs_data(self.method.selection):
                self._record.after_epoch(epoch, logs["val_accuracy"], self.genotype)
            self._rule.after_epoch(epoch, epochs)
            calls.on_epoch_end(epoch, logs)
            epoch, start = self._rule.next_epoch(epoch), 0
            # After the callbacks: what they wrote about an epoch that has to be repeated is
            # replaced, while an epoch that they never saw would be missing for good.
            self._record.save(epoch)
            if any(distribution.any_worker(self.strategy, self._stop_requested)):
                self._stop_requested = False
                if epoch < epochs and not self._rule.ended and not self.supernet.stop_training:
                    self.stopped_at = epoch, 0
                    return history
        calls.on_train_end(logs)
        return history

    def stop(self) -> None:
        """Makes `fit` write a checkpoint after the step it is in, and return.

        Unlike Keras' `stop_training` it does not end the search: a later `fit` with the same
        checkpoint folder goes on with the next step. Safe to call from a signal handler.
        """
        self._stop_requested = True

    @property
    def interruptible(self) -> bool:
        """Whether an exception may be raised in `fit` now without losing a step.

        So it is from the start to the end of the first step, after a checkpoint to the end of the
        next one, and in an evaluation, because then a checkpoint is written if there are any. Never
        with several workers, which have to stop together.
        """
        if distribution.workers(self.strategy) > 1:
            return False
        return self._evaluating or not self._record.unsaved

    @contextlib.contextmanager
    def _interruption(self, epoch: int, steps: int):
        """While all steps of an epoch are done and nothing else has changed."""
        if distribution.workers(self.strategy) > 1:
            yield
            return
        with self._record.saving_if_broken_off(epoch, steps):
            self._evaluating = True
            try:
                yield
            finally:
                self._evaluating = False

    @without_grappler()
    def evaluate(self, data: tf.data.Dataset) -> dict[str, float]:
        """Mean loss and accuracy of the supernet on batches of (images, labels).

        Batch normalisation uses its moving statistics, as in any Keras `evaluate`. `fit` measures
        them after every epoch.

        Raises:
            UserError: the data have no end.
        """
        loss = keras.metrics.Mean(dtype="float32")
        accuracy = keras.metrics.SparseCategoricalAccuracy(dtype="float32")
        for images, labels in one_pass("data to evaluate on", data):
            logits = self._predict(images)
            loss.update_state(self._loss(labels, logits))
            accuracy.update_state(labels, logits)
        return {"loss": float(loss.result()), "accuracy": float(accuracy.result())}

    def _validate(self, data: tf.data.Dataset) -> dict[str, float]:
        """Evaluates with moving statistics that are measured on the first batches of images.

        In one pass: a data set that shuffles would come in another order in all later ones.
        """
        batches = one_pass("validation data", data)
        first = list(itertools.islice(batches, recalibration.BATCHES))
        self._recalibrate(images for images, _ in first)
        return self.evaluate(itertools.chain(first, batches))

    def genotype(
        self,
        validation: tf.data.Dataset | None = None,
        selection: str | Callable | None = None,
    ) -> Genotype:
        """The discrete cells that a selection chooses.

        Where the method's rule has ended the search with the cells of an epoch, such as the one
        that an early stop goes back to, it is those, unless a selection is given.

        Args:
            validation: batches of (images, labels), for a selection that evaluates architectures.
            selection: the name of a selection or a selection of your own; None for the method's.

        Raises:
            UserError: the selection needs `validation` and there is none.
        """
        if selection is None and self._rule.result is not None:
            return self._rule.result.genotype
        selection = selection or self.method.selection
        select = selections.get(selection)
        if not selections.needs_data(select):
            return select(self.supernet.space, self.operation_weights())
        if validation is None:
            raise UserError(
                f"the selection of the method {self.method.name!r} evaluates architectures; give "
                "genotype() the validation batches"
            )
        return select(self.supernet, validation)

    def operation_weights(self) -> dict[str, np.ndarray]:
        """Cell type -> how much each operation is favoured, `[edges, operations]`."""
        weights = self.supernet.operation_weights()
        return {cell_type: np.asarray(value) for cell_type, value in weights.items()}

    def entropy(self) -> float:
        """Mean entropy of an edge's operation weights, in nats; about log(operations) at first.

        Where an edge's weights do not sum to 1, the entropy is that of their shares in the sum.
        """
        return self._of_an_edge(self.entropies())

    def _of_an_edge(self, entropies) -> float:
        space = self.supernet.space
        return sum(entropies.values()) / (len(space.edges) * len(space.cell_types))

    def entropies(self) -> dict[str, float]:
        """Cell type -> the sum of its edges' entropies in nats."""
        return self._by_cell_type(self.supernet.architecture.entropies())

    def _by_cell_type(self, values) -> dict[str, float]:
        return dict(zip(self.supernet.space.cell_types, values.numpy().tolist(), strict=True))

    def favoured(self) -> Genotype:
        """The cells of the largest operation weights now, whatever the method's selection."""
        return selections.magnitude(self.supernet.space, self.operation_weights())

    @property
    def selects_by_weights(self) -> bool:
        """Whether the cells come from operation weights that are learned, by their size."""
        learned = bool(self.supernet.architecture_variables)
        return learned and not selections.needs_data(self.method.selection)

    def leads(self, genotype: Genotype | None = None) -> decidedness.Leads:
        """By what share each operation of the cells weighs more than the next one on its edge.

        Near 0 the choice is close to a draw; see `darts_tf.genotypes.decidedness`.

        Args:
            genotype: cells that were selected by the operation weights. Default: those that
                the method selects now.
        """
        ended = self._rule.result if genotype is None else None
        weights = self.operation_weights() if ended is None else ended.weights
        genotype = genotype or self.genotype()
        return decidedness.leads(self.supernet.space, weights, genotype, self._rule.leads)

    def recall(self, notes: dict) -> None:
        """Takes over what the notes of a checkpoint say of the method's rule and its decisions."""
        self._rule.restore(notes.get("rule"))

    @property
    def has_eigenvalue(self) -> bool:
        """Whether `eigenvalue` is defined and supported for this search.

        It is not where the relaxation takes one operation of each edge, which cannot be
        differentiated twice, where there are no architecture variables, in 16 bits, and on several
        replicas.
        """
        return (
            bool(self.supernet.architecture_variables)
            and not self.supernet.relaxation.draws.single
            and self.supernet.compute_dtype == "float32"
            and self.strategy.num_replicas_in_sync == 1
        )

    @without_grappler()
    def eigenvalue(self, batch=None, exact_up_to: int = 32) -> float:
        """The largest eigenvalue of the validation loss' Hessian in the architecture variables.

        As in RobustDARTS (Zela et al., ICLR 2020) of one batch, with the weight decay of the
        architecture, in training mode and without the relaxation's noise. Nothing is changed.

        Args:
            batch: images and labels; default: the first validation batch of epoch 0.
            exact_up_to: see `darts_tf.supernets.hessian.largest_eigenvalue`.

        Raises:
            UserError: `has_eigenvalue` is false, or there is no batch yet.
        """
        if not self.has_eigenvalue or (batch is None and self._hessian_batch is None):
            raise UserError(
                "this search has no eigenvalue: it needs float32, one device, architecture "
                "variables, a relaxation that mixes operations, and a batch or a call of fit before"
            )
        if self._hessian is None:
            self._hessian = ValidationHessian(self.supernet, self._loss, self._options["penalty"])
        batch = self._hessian_batch() if batch is None else batch
        found = self._hessian.largest_eigenvalue(batch, exact_up_to)
        return found + self.method.architecture_weight_decay

    def _set_schedules(self, epoch: int, epochs: int) -> None:
        """What the method's schedules say for this epoch."""
        method, architecture = self.method, self.supernet.architecture
        if method.temperature is not None:
            architecture.temperature.assign(method.temperature(epoch, epochs))
        if architecture.skip_dropout is not None and method.skip_dropout is not None:
            architecture.skip_dropout.assign(method.skip_dropout(epoch, epochs))
        if method.auxiliary_skip is not None:
            architecture.auxiliary_skip.assign(method.auxiliary_skip(epoch, epochs))
        self._frozen = method.warm_up is not None and method.warm_up(epoch, epochs)

    def _prepare(self, epochs: int, steps: int) -> bool:
        """Makes the optimizers and the traced step, unless there are some with a user's optimizer.

        Returns:
            Whether they are new.
        """
        if self._trainer is not None and self._own_weight_optimizer:
            return False
        if not self._own_weight_optimizer:
            self.weight_optimizer = None
        if not self._own_architecture_optimizer:
            self.architecture_optimizer = None
        with self.strategy.scope():
            self._trainer = SearchTrainer(
                self.supernet,
                self.method.at_length(epochs, steps),
                self._loss,
                self.weight_optimizer,
                self.architecture_optimizer,
                epochs * steps,
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

    def _settings(self, epochs: int, steps: int) -> dict:
        """What decides the result of a search, as its checkpoints hold it."""
        return record.settings(
            self.supernet,
            self.method,
            epochs=epochs,
            steps_per_epoch=steps,
            accumulate_steps=self._options["accumulate_steps"],
        )

    def _monitored(self, callbacks) -> tuple[CollapseMonitor, list]:
        """The callbacks' `CollapseMonitor`, or one that is put before them; and all of them."""
        for callback in callbacks:
            if isinstance(callback, CollapseMonitor):
                return callback, list(callbacks)
        monitor = CollapseMonitor(self)
        return monitor, [monitor, *callbacks]

    def _run_epoch(self, train, validation, epoch, start, calls) -> dict[str, float]:
        """The steps of an epoch from step `start` on; returns the epoch's logs."""
        train_step = self._trainer.train_function
        if start == 0:
            train_step.reset_metrics()
            self._record.begin_epoch()
        batches = tf.data.Dataset.zip((train, validation.repeat())).skip(start)
        shared = distribution.share_batches(self.strategy, batches)
        logs = train_step.logs(self._frozen)
        for step, batch in enumerate(shared, start=start):
            calls.on_train_batch_begin(step)
            finite, complete, entropies = train_step(*batch, self._frozen)
            self._record.after_step(self._by_cell_type(entropies))
            logs = train_step.logs(self._frozen)
            _check_finite(finite.numpy(), logs, epoch, step)
            if not complete.numpy() and not self._said_incomplete:
                self._said_incomplete = True
                logging.warning(_INCOMPLETE, step + 1, epoch + 1)
            calls.on_train_batch_end(step, logs)
            stop, due = distribution.any_worker(
                self.strategy, self._stop_requested, self._record.due
            )
            if stop or due:
                self._record.save(epoch, step + 1)
            if stop:
                self._stop_requested = False
                self.stopped_at = epoch, step + 1
                break
        return logs

    def _logs_of_epoch(self) -> dict[str, float]:
        """What there is to say of an epoch besides the losses."""
        entropies = self.entropies()
        logs = {f"entropy_{name}": value for name, value in entropies.items()}
        logs["entropy"] = self._of_an_edge(entropies)
        logs["learning_rate"] = float(tf.convert_to_tensor(self.weight_optimizer.learning_rate))
        return logs | self._trainer.report()

    def checkpointed(self) -> dict[str, list]:
        """All variables that a search goes on from."""
        return self._trainer.variables


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


def _by_epoch(data: Batches) -> Callable[[int], tf.data.Dataset]:
    return data if callable(data) else lambda epoch: data
