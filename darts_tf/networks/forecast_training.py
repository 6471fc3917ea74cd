"""Training a forecaster from scratch, until the validation part gets no better."""

import dataclasses
import math
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.common.errors import UserError
from darts_tf.datasets import SeriesData, series_batches, series_data, series_windows
from darts_tf.networks.calls import calls_of
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runtime.grappler import without_grappler
from darts_tf.tasks import Forecasting, MeanLoss


@dataclasses.dataclass(frozen=True)
class ForecastRecipe:
    """How a forecaster is trained: Adam, and the weights of the best epoch.

    Attributes:
        epochs: the most epochs.
        batch_size: windows in a batch.
        learning_rate: of Adam.
        weight_decay: decoupled, of all weights (AdamW).
        clip_norm: largest global norm of the gradient.
        patience: the training ends after so many epochs whose validation loss is above the best;
            None: it does not.
    """

    epochs: int = 200
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    patience: int | None = 20


@dataclasses.dataclass(frozen=True)
class ForecastTraining:
    """The result of a training.

    Attributes:
        validation_losses: of every epoch.
        best_epoch: number of the epoch whose weights the network has now, from 1.
    """

    validation_losses: tuple[float, ...]
    best_epoch: int

    @property
    def best_loss(self) -> float:
        """The smallest validation loss."""
        return self.validation_losses[self.best_epoch - 1]


def task_of(data: SeriesData) -> Forecasting:
    """The task of a series: a loss of 1 is that of repeating the last value in training."""
    return Forecasting(len(data.columns), data.change, tuple(data.values[0].tolist()))


class Forecasts:
    """Foretells rows of a series by a network; traced once.

    Args:
        network: from windows to forecasts.
        data: the series.
    """

    def __init__(self, network: keras.Model, data: SeriesData):
        self._data = data
        windows = tf.TensorSpec([None, data.window, len(data.columns)], tf.float32)
        self._run = tf.function(
            lambda windows: network(windows, training=False), input_signature=[windows]
        )

    def __call__(self, rows: range) -> np.ndarray:
        """Forecasts of rows, such as `data.test`: float32 `[len(rows), columns]`, in own units."""
        windows = series_windows(self._data, rows)
        return np.concatenate([self._run(window).numpy() for window, _ in windows])


@without_grappler()
def train_forecaster(
    network: keras.Model,
    data: SeriesData,
    recipe: ForecastRecipe,
    *,
    seed: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    checkpoint_dir=None,
) -> ForecastTraining:
    """Trains a forecaster on the training part, or goes on from the newest checkpoint.

    After every epoch the whole validation part is foretold. In the end the network has the weights
    of the epoch whose validation loss was smallest.

    Args:
        network: from `build_forecaster`.
        data: the series.
        recipe: how to train.
        seed: of the order of the windows.
        callbacks: Keras callbacks. Logs of an epoch are `loss` and, of the validation part,
            `val_loss` and the metrics of `Forecasting`.
        checkpoint_dir: where a checkpoint is written after every epoch; None for none.

    Raises:
        UserError: a batch is larger than the training part, or the loss is no longer finite.
    """
    training = _Training(network, data, recipe, seed)
    if checkpoint_dir:
        training.keep_in(checkpoint_dir)
    training.run(list(callbacks))
    return training.finish()


class _Training:
    """The variables of a training and its loop."""

    def __init__(self, network, data, recipe, seed):
        if recipe.epochs < 1:
            raise UserError(f"the recipe has {recipe.epochs} epochs; at least 1 is needed")
        self._network, self._data, self._recipe, self._seed = network, data, recipe, seed
        self._task = task_of(data)
        self._steps = len(self._batches(0))
        self._optimizer = keras.optimizers.AdamW(
            recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            global_clipnorm=recipe.clip_norm,
        )
        self._optimizer.build(network.trainable_variables)
        self._best = [
            keras.Variable(variable, trainable=False, name="best")
            for variable in network.trainable_variables
        ]
        self._loss = MeanLoss()
        self._step = tf.function(self._train_on, reduce_retracing=True)
        self._forecasts = Forecasts(network, data)
        self._targets = data.targets(data.validation)
        self._checkpoints, self._first = None, 0
        self._notes = {"losses": []}

    def keep_in(self, directory) -> None:
        """Restores the newest checkpoint of a folder, and writes others there."""
        settings = {**dataclasses.asdict(self._recipe), "seed": self._seed}
        # Neither decides anything of the epochs before.
        del settings["epochs"], settings["patience"]
        settings["series"] = series_data.digest(self._data.description())
        self._checkpoints = Checkpoints(
            directory,
            {
                "network": self._network.variables,
                "optimizer": self._optimizer.variables,
                "best": self._best,
            },
            settings=settings,
        )
        self._first, _ = self._checkpoints.restore()
        found = self._checkpoints.notes
        found.update(found or self._notes)
        self._notes = found

    def run(self, callbacks) -> None:
        """Trains until the last epoch, the end of patience, or until a callback stops."""
        size = self._recipe.epochs, self._steps
        with calls_of(callbacks, self._network, self._optimizer, *size) as calls:
            for epoch in range(self._first, self._recipe.epochs):
                if self._network.stop_training or self._is_over():
                    break
                calls.on_epoch_begin(epoch)
                self._train(epoch, calls)
                logs = {"loss": float(self._loss.result()), **self._validate(epoch)}
                calls.on_epoch_end(epoch, logs)
                if self._checkpoints:
                    self._checkpoints.save(epoch + 1)

    def finish(self) -> ForecastTraining:
        """Gives the network the weights of the best epoch."""
        for variable, value in zip(self._network.trainable_variables, self._best, strict=True):
            variable.assign(value)
        losses = self._notes["losses"]
        return ForecastTraining(tuple(losses), int(np.argmin(losses)) + 1)

    def _is_over(self) -> bool:
        losses, patience = self._notes["losses"], self._recipe.patience
        if patience is None or not losses:
            return False
        return len(losses) - 1 - int(np.argmin(losses)) >= patience

    def _batches(self, epoch) -> tf.data.Dataset:
        size = self._recipe.batch_size
        return series_batches(self._data, self._data.train, size, seed=self._seed, epoch=epoch)

    def _train(self, epoch, calls) -> None:
        self._loss.reset_state()
        for number, batch in enumerate(self._batches(epoch)):
            calls.on_train_batch_begin(number)
            self._step(*batch)
            calls.on_train_batch_end(number)
        self._check_finite(float(self._loss.result()), "training", epoch)

    def _train_on(self, windows, targets) -> None:
        variables = self._network.trainable_variables
        with tf.GradientTape() as tape:
            total, count = self._task.counted_loss(targets, self._network(windows, training=True))
            loss = total / count
        self._optimizer.apply(dense(tape.gradient(loss, variables)), variables)
        self._loss.update_state(total, count)

    def _validate(self, epoch) -> dict:
        """Foretells the validation part, and keeps the weights if that was never better."""
        found = self._forecasts(self._data.validation)
        loss = loss_of(self._task, self._targets, found)
        self._check_finite(loss, "validation", epoch)
        losses = self._notes["losses"]
        if loss < min(losses, default=math.inf):
            for kept, value in zip(self._best, self._network.trainable_variables, strict=True):
                kept.assign(value)
        losses.append(loss)
        measured = self._task.measure(self._targets, found)
        return {"val_loss": loss, **{f"val_{name}": value for name, value in measured.items()}}

    def _check_finite(self, loss, which, epoch) -> None:
        if not math.isfinite(loss):
            raise UserError(
                f"the {which} loss is {loss} in epoch {epoch + 1}; train with a smaller learning "
                f"rate than {self._recipe.learning_rate:g} or a smaller clip norm"
            )


def loss_of(task: Forecasting, targets, found) -> float:
    """The mean loss of forecasts `[examples, columns]` that are all at hand."""
    total, count = task.counted_loss(tf.constant(targets), tf.constant(found, tf.float64))
    return float(total / count)
