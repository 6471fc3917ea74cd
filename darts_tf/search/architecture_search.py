"""The search: bilevel optimisation of a supernet's weights and alphas."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf import methods, selections, tasks
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.methods.method import Method
from darts_tf.runs import checkpoints
from darts_tf.runtime.grappler import without_grappler
from darts_tf.schedules.transitions import NextStage
from darts_tf.search import checks, fine_tuning, streams
from darts_tf.search.epoch import NonFiniteError
from darts_tf.search.loop import SearchLoop
from darts_tf.search.run import Run, Saving
from darts_tf.search.stage_search import StageSearch
from darts_tf.search.stages import Stages
from darts_tf.search.streams import Streams
from darts_tf.supernets.growth import grow as growing
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks.streams import Batches

__all__ = ["ArchitectureSearch", "Batches", "NonFiniteError"]

_FIRST = NextStage(0, None)


class ArchitectureSearch(StageSearch):
    """Searches the cells of a supernet.

    Each step updates the alphas by the method's hypergradient and then the weights on the training
    batch (Liu, Simonyan, Yang, ICLR 2019, algorithm 1), in one `tf.function` under the current
    `tf.distribute` strategy. Across replicas all gradients are those of the global batch.

    A method of several stages, such as P-DARTS, goes on with a new supernet in each of them:
    `supernet` is the one of the stage that the search is in, and of the last one in the end.

    Args:
        supernet: a `Supernet`, created in the scope of the strategy; of a method of several stages
            that of the first.
        method: the name of a method, whose settings are then those for the supernet's network (see
            `Method.for_space`), or a `Method` of your own, which is taken as it is.
        weight_optimizer: trains the weights, as Keras' `compile` takes it. Default: SGD with the
            method's momentum and cosine schedule over the whole of `fit`.
        architecture_optimizer: trains the alphas. Default: the method's Adam, whose learning rate
            grows where the search is shorter than the paper's unless the method has a number of
            your own; see `darts_tf.methods.paper_rate.PaperRate`.
        loss: in place of the task's: `(targets, outputs) -> [batch]`, or of sequences `[batch,
            time]`, or as Keras' `compile` takes it; see `darts_tf.tasks.keras_losses`.
        penalty: is added to the loss that the alphas descend, such as an expected cost: a function
            of the operation weights, cell type -> `[edges, operations]`, to a scalar. One that
            depends on the supernet has a method `of_supernet` for the one of the next stage.
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
        weight_optimizer: keras.optimizers.Optimizer | str | None = None,
        architecture_optimizer: keras.optimizers.Optimizer | str | None = None,
        loss: Callable | str | None = None,
        penalty: Callable | None = None,
        accumulate_steps: int = 1,
        jit_compile: bool | str = "auto",
        recompute: bool = False,
        task=None,
    ):
        method = methods.get(method, dataclasses.replace(supernet.space, macro=supernet.macro))
        checks.check_trains(method)
        self.stages = Stages(method, supernet)
        #: The stage that the search is in, from 0.
        self.stage = 0
        #: What the callbacks call the first epoch of this stage.
        self.first_epoch = 0
        super().__init__(
            supernet,
            method,
            checks.get_optimizers(weight_optimizer, architecture_optimizer),
            tasks.get(task, loss),
            {
                "penalty": penalty,
                "accumulate_steps": accumulate_steps,
                "jit_compile": jit_compile,
                "recompute": recompute,
            },
        )
        for number in range(len(self.stages)):
            checks.check_controls(self.stages.method(number), supernet)
        checks.check_method(self.stages.method(0), supernet, accumulate_steps)
        checks.check_task(self.task, supernet)
        checks.check_recompute(recompute, supernet, self.strategy)

    @without_grappler()
    def fit(
        self,
        train: Batches,
        validation: Batches | None = None,
        epochs: int = 1,
        *,
        batch_size: int = 64,
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
                epoch. Either a `tf.data.Dataset`, or a function from the number of the epoch, from
                0 in each stage, to one, which makes a resumed search see exactly the batches that
                an uninterrupted one would have seen; or arrays, `(images, labels)`, in another
                order in each epoch. They may hold: docs/given_data.md. Under a strategy a batch is
                the global batch; its replicas share it equally, and several workers must be given
                the same batches.
            validation: the same for the alphas, who need data of their own; repeated if it is
                shorter. It has an end, because the supernet is evaluated on all of it.
            epochs: number of epochs, also the length of the learning rate's schedule; of each stage
                where there are several.
            batch_size: of arrays. Default: that of DARTS.
            callbacks: Keras callbacks; their model is the supernet, `stop_training` is honoured. A
                `CollapseMonitor` is put before them unless there is one. To them a stage is as a
                training of its own that goes on counting epochs.
            verbose: 0 silent, 1 progress bar, 2 a line an epoch.
            checkpoint_dir: a folder. When given, a checkpoint is written to it after each epoch,
                every `checkpoint_seconds` and on `stop`, and a search that finds one there goes
                on from the very step. One of a search with other settings is refused, but more
                `epochs` are taken, with a warning: from there on the schedules are those of so many
                epochs, so that it is not the same as a search of so many from the start; not where
                there are several stages. Those but the last have folders of their own in it.
            checkpoint_seconds: default 300.
            keep_checkpoints: how many checkpoints stay there.

        Returns:
            The Keras history of this call; `stopped_at` tells whether it is the whole search. An
            epoch has `loss` and the task's metrics, such as `accuracy`, on the training batches,
            `architecture_loss`, the loss that the alphas descend, unless they are frozen,
            `val_loss`, `val_accuracy` and so on of the supernet on all of `validation`, with moving
            statistics that were measured on the inputs of its first 19 batches
            (`darts_tf.runtime.recalibration`), `entropy`, the mean over all edges of the entropy of
            the operation weights in nats, `entropy_normal` and so on, its sum over the edges of a
            cell type, `learning_rate`, and what the `CollapseMonitor` measures; with an estimator
            that samples architectures also `loss_evaluations` and `gradient_variance`
            (`darts_tf.gradients.Estimator.report`).

        Raises:
            NonFiniteError: the loss or a gradient stopped being finite.
            OutOfMemoryError: there was not enough memory.
            UserError: the data are empty, have no end, cannot be shared equally or are none that
                the supernet and the task take, a checkpoint does not fit, or another worker is
                lost.
        """
        found = streams.of(self.task, self.supernet, train, validation, batch_size)
        steps = streams.count_and_check(found, self.task, self.supernet)
        self._streams = found
        saving = Saving(checkpoint_dir, checkpoint_seconds, keep_checkpoints)
        run = Run(self, epochs, steps, callbacks or [], verbose)
        self._go_to(self.stages.reached(checkpoint_dir) or _FIRST)
        while True:
            self._run_stage(run, saving, found)
            if self.stopped_at or self.supernet.stop_training:
                return run.history
            following = self.stages.after(self.stage, self)
            if following is None:
                return run.history
            self._go_to(following)
            run.monitor.forget()

    @property
    def in_last_stage(self) -> bool:
        """Whether no stage follows the one that the search is in."""
        return self.stage + 1 == len(self.stages)

    def _run_stage(self, run: Run, saving: Saving, data: Streams) -> None:
        """Searches from where the checkpoints of the stage are to its last epoch."""
        method = self.stages.method(self.stage)
        folder = self.stages.folder(saving.directory, self.stage)
        self._as_grown(folder)
        self.first_epoch = self.stage * run.epochs
        begins = self._prepare(method, run.epochs, run.steps, data.batch_sizes)
        position = self._record.open(saving.open(self, folder, run), run.monitor)
        if begins:
            self._say_rate(method.architecture_steps(run.epochs, run.steps))
        self._rule.prepare(folder, run.writes)
        self._hessian_batch = lambda: next(iter(data.validation(0)))
        self.supernet.stop_training = False
        self._loop = SearchLoop(self, method, self._record, self._rule, self._stop)
        self._loop.run(data, position, run.epochs, run.calls())

    def _as_grown(self, folder) -> None:
        """Makes the supernet as large as the checkpoints of a folder have it, if there are any."""
        found = checkpoints.described(folder) if self.grows and folder else None
        if found and (space := self._rule.growth.space_in(found.notes)) != self.supernet.space:
            with self.strategy.scope():
                grown = growing.of_space(self.stages.supernet(0), space, 0)
            self._change_supernet(grown)

    def _go_to(self, order: NextStage) -> None:
        """Makes the supernet of a stage, unless it is the one that is searched already."""
        now = self.supernet.get_config()["edge_operations"]
        if order.number == self.stage and (self.stage == 0 or order.edge_operations == now):
            return
        self.stage = order.number
        self._change_supernet(self.stages.supernet(order.number, order.edge_operations))

    def restore(self, checkpoint_dir) -> tuple[int, int] | None:
        """Takes over the supernet of the newest checkpoint of a search by this method.

        First what the supernet is, in which stage and with which candidates, then its numbers. To
        select its cells; `fit` with the same folder goes on with the search itself.

        Args:
            checkpoint_dir: as for `fit`.

        Returns:
            (epoch, step) that the search would go on with, counted from 0 in its stage; None if
            there is no checkpoint.

        Raises:
            UserError: the checkpoint does not fit this search, or none can be read.
        """
        reached = self.stages.reached(checkpoint_dir)
        if reached is None:
            return None
        self._go_to(reached)
        folder = self.stages.folder(checkpoint_dir, self.stage)
        self._as_grown(folder)
        saved = checkpoints.Checkpoints(folder, {"supernet": self.supernet.variables})
        position = saved.restore(part=True)
        self._rule.restore(saved.notes.get("rule"))
        return position

    def genotype(
        self,
        validation: tf.data.Dataset | None = None,
        selection: str | Callable | None = None,
        *,
        fine_tune_epochs: int | None = None,
    ) -> Genotype:
        """The discrete cells that a selection chooses.

        Where the method's rule has ended the search with the cells of an epoch, such as the one
        that an early stop goes back to, it is those, unless a selection is given.

        Args:
            validation: batches of the task, such as (images, labels), for a selection that
                evaluates architectures.
            selection: the name of a selection or a selection of your own; None for the method's.
            fine_tune_epochs: how long a copy of the supernet is trained, on the data of `fit`,
                between two decisions of a selection that decides edge by edge and does not say
                itself what happens there. None: what the method says for its own selection, 0 for
                a selection that is given.

        Raises:
            UserError: the selection needs `validation` and there is none, or it trains the supernet
                and `fit` has not been called.
        """
        ended = selection is None and self._rule.result is not None
        chosen = selections.get(self.method.selection if selection is None else selection)
        if fine_tune_epochs is None:
            fine_tune_epochs = self.method.fine_tune_epochs if selection is None else 0
        elif fine_tune_epochs and not hasattr(chosen, "fine_tune"):
            raise UserError(
                f"fine_tune_epochs={fine_tune_epochs} is for selections that decide edge by edge, "
                f"got {selections.label(chosen)!r}"
            )
        if not ended:
            selection = fine_tuning.between_decisions(chosen, self, self._streams, fine_tune_epochs)
        return super().genotype(validation, selection)
