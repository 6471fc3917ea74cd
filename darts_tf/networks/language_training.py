"""Training a language model from scratch, as DARTS evaluates a recurrent cell."""

import dataclasses
import math
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.common.errors import UserError
from darts_tf.datasets import TextData, text_batches, text_data, text_windows
from darts_tf.networks.calls import calls_of
from darts_tf.networks.language_evaluation import Evaluation
from darts_tf.networks.language_model import LanguageModel
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runtime.averaged_sgd import PATIENCE, AveragedSGD, has_stopped_improving
from darts_tf.runtime.grappler import without_grappler
from darts_tf.tasks import LanguageModeling, MeanLoss


@dataclasses.dataclass(frozen=True)
class LanguageRecipe:
    """How a language model is trained (Liu, Simonyan, Yang, ICLR 2019, appendix A.2.2).

    The defaults are those of the published cell on the Penn Treebank; dropout and slowness are the
    model's.

    Attributes:
        epochs: number of epochs.
        batch_size: columns that the text is laid out in.
        steps: around which the length of a window is drawn; the same in an evaluation, fixed.
        learning_rate: of SGD, for a window of `steps`; it is scaled by the window's length.
        weight_decay: factor of L2, added to the clipped gradient.
        clip_norm: largest global norm of the gradient.
        patience: the iterates are averaged once the validation loss is above the best of all
            evaluations before it but the last so many; None: never.
        evaluation_batch_size: columns that the validation text is laid out in.
    """

    epochs: int = 8000
    batch_size: int = 64
    steps: int = 35
    learning_rate: float = 20.0
    weight_decay: float = 8e-7
    clip_norm: float = 0.25
    patience: int | None = PATIENCE
    evaluation_batch_size: int = 10


@dataclasses.dataclass(frozen=True)
class LanguageTraining:
    """The result of a training.

    Attributes:
        validation_losses: of every epoch, in nats for each word or character.
        best_epoch: number of the epoch whose weights the model has now, from 1.
        averaged_from: number of the epoch from which the iterates were averaged; None if never.
    """

    validation_losses: tuple[float, ...]
    best_epoch: int
    averaged_from: int | None

    @property
    def best_loss(self) -> float:
        """The smallest validation loss, in nats."""
        return self.validation_losses[self.best_epoch - 1]


@without_grappler()
def train_language_model(
    model: LanguageModel,
    data: TextData,
    recipe: LanguageRecipe,
    *,
    seed: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint_dir=None,
    checkpoint_seconds: float = 300.0,
) -> LanguageTraining:
    """Trains a language model, or goes on from the newest checkpoint.

    SGD on the windows of `text_batches`, the state carried from window to window of an epoch and
    cut off from the gradient between two; after each epoch the whole validation text. Once that no
    longer gets better, SGD's iterates are averaged, and it is the averages that are evaluated and
    kept. In the end the model has the weights of the best epoch.

    A checkpoint is written after every epoch, and within one when the last is `checkpoint_seconds`
    old. A training that goes on from one ends with the same weights as one that was never
    interrupted: the position in the text, the state and the draws of dropout are kept. `epochs` may
    be another number then.

    Args:
        model: from `build_language_model`.
        data: from `darts_tf.datasets.load_text`.
        recipe: how to train.
        seed: of the lengths of windows.
        callbacks: Keras callbacks. Logs of an epoch are `loss`, `val_loss` and, of both, the
            measure of the data (`perplexity` or `bits_per_character`).
        checkpoint_dir: where checkpoints are; None for none.
        checkpoint_seconds: see above.

    Raises:
        UserError: data, model and recipe do not fit, the loss is no longer finite, or the strategy
            has several replicas.
    """
    training = _Training(model, data, recipe, seed)
    if checkpoint_dir:
        training.keep_in(checkpoint_dir, checkpoint_seconds)
    training.run(list(callbacks))
    return training.finish()


class _Training:
    """The variables of a training and its loop."""

    def __init__(self, model, data, recipe, seed):
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            raise UserError(
                f"a language model is trained on one device, and the strategy has {replicas} "
                "replicas, on each of which Keras would draw the same dropout for other columns; "
                "call it outside of the strategy's scope"
            )
        if data.vocabulary_size != model.vocabulary_size:
            raise UserError(
                f"the model knows {model.vocabulary_size} {data.unit} and the text has "
                f"{data.vocabulary_size}; build the model for the text"
            )
        self._model, self._data, self._recipe, self._seed = model, data, recipe, seed
        self._task = LanguageModeling(data.measure)
        self._optimizer = AveragedSGD(
            recipe.learning_rate, l2=recipe.weight_decay, global_clipnorm=recipe.clip_norm
        )
        self._optimizer.build(model.trainable_variables)
        # Texts that are too short are refused before anything is traced.
        self._batches(0)
        text_windows(data.validation, recipe.evaluation_batch_size, recipe.steps)
        self._loss = MeanLoss()
        self._state, self._best = (
            [keras.Variable(value, trainable=False, name=name) for value in values]
            for name, values in {
                "state": self._task.initial_state(model, recipe.batch_size),
                "best": model.trainable_variables,
            }.items()
        )
        self._evaluate = Evaluation(model)
        tokens = tf.TensorSpec([recipe.batch_size, None], tf.int32)
        self._step = tf.function(self._train_on_window, input_signature=[tokens, tokens])
        self._checkpoints = None
        self._position = 0, 0
        self._notes = {"losses": [], "averaged_from": None}

    def keep_in(self, directory, seconds) -> None:
        """Restores the newest checkpoint of a folder, and writes others there."""
        settings = {**dataclasses.asdict(self._recipe), "seed": self._seed}
        # Nothing depends on how many there will be.
        del settings["epochs"]
        settings["text"] = text_data.digest(self._data.description())
        self._checkpoints = Checkpoints(
            directory,
            {
                "network": self._model.variables,
                "optimizer": self._optimizer.variables,
                "state": self._state,
                "loss": self._loss.variables,
                "best": self._best,
            },
            seconds=seconds,
            settings=settings,
        )
        self._position = self._checkpoints.restore()
        found = self._checkpoints.notes
        found.update(found or self._notes)
        self._notes = found

    def run(self, callbacks) -> None:
        """Trains until the last epoch, or until a callback stops."""
        first, done = self._position
        size = self._recipe.epochs, len(self._batches(0))
        with calls_of(callbacks, self._model, self._optimizer, *size) as calls:
            for epoch in range(first, self._recipe.epochs):
                calls.on_epoch_begin(epoch)
                self._train(epoch, done, calls)
                done = 0
                logs = self._logs("", float(self._loss.result()))
                calls.on_epoch_end(epoch, logs | self._validate(epoch))
                if self._checkpoints:
                    self._checkpoints.save(epoch + 1)
                if self._model.stop_training:
                    break

    def finish(self) -> LanguageTraining:
        """Gives the model the weights of the best epoch."""
        losses = self._notes["losses"]
        if not losses:
            raise UserError("the recipe has no epoch; at least 1 is needed")
        for variable, value in zip(self._model.trainable_variables, self._best, strict=True):
            variable.assign(value)
        best = int(np.argmin(losses)) + 1
        return LanguageTraining(tuple(losses), best, self._notes["averaged_from"])

    def _batches(self, epoch) -> tf.data.Dataset:
        recipe = self._recipe
        return text_batches(
            self._data.train, recipe.batch_size, recipe.steps, seed=self._seed, epoch=epoch
        )

    def _train(self, epoch, done, calls) -> None:
        """The windows of an epoch but the first `done`."""
        if not done:
            self._loss.reset_state()
            start = self._task.initial_state(self._model, self._recipe.batch_size)
            for variable, value in zip(self._state, start, strict=True):
                variable.assign(value)
        for number, window in enumerate(self._batches(epoch).skip(done), start=done):
            calls.on_train_batch_begin(number)
            self._step(*window)
            calls.on_train_batch_end(number)
            if self._checkpoints and self._checkpoints.due():
                self._checkpoints.save(epoch, number + 1)
        self._check_finite(float(self._loss.result()), "training", epoch)

    def _train_on_window(self, inputs, targets) -> None:
        recipe, variables = self._recipe, self._model.trainable_variables
        state = [tf.convert_to_tensor(variable) for variable in self._state]
        with tf.GradientTape() as tape:
            logits, state = self._task.call(self._model, inputs, state, training=True)
            total, count = self._task.counted_loss(targets, logits)
            loss = total / count + sum(self._model.losses)
        length = tf.cast(tf.shape(inputs)[1], tf.float32)
        self._optimizer.learning_rate = recipe.learning_rate * length / recipe.steps
        self._optimizer.apply(dense(tape.gradient(loss, variables)), variables)
        for variable, value in zip(self._state, state, strict=True):
            variable.assign(value)
        self._loss.update_state(total, count)

    def _validate(self, epoch) -> dict:
        """Evaluates at the averages, keeps the best; begins to average once it gets no better."""
        losses, recipe = self._notes["losses"], self._recipe
        with self._optimizer.averaged():
            columns = recipe.evaluation_batch_size
            loss = self._evaluate(self._data.validation, columns, recipe.steps)
            self._check_finite(loss, "validation", epoch)
            if loss < min(losses, default=math.inf):
                for kept, value in zip(self._best, self._model.trainable_variables, strict=True):
                    kept.assign(value)
        losses.append(loss)
        may_begin = recipe.patience is not None and self._notes["averaged_from"] is None
        if may_begin and has_stopped_improving(losses, recipe.patience):
            self._optimizer.start()
            self._notes["averaged_from"] = epoch + 2
        return self._logs("val_", loss)

    def _logs(self, prefix, loss) -> dict:
        return {
            f"{prefix}loss": loss,
            f"{prefix}{self._data.measure}": self._data.reported(loss),
        }

    def _check_finite(self, loss, which, epoch) -> None:
        if not math.isfinite(loss):
            raise UserError(
                f"the {which} loss is {loss} in epoch {epoch + 1}; train with a smaller learning "
                f"rate than {self._recipe.learning_rate:g} or a smaller clip norm"
            )
