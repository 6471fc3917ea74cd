"""The networks of the trials of an `ArchitectureTuner`: how they are built, trained and scored."""

import abc
import dataclasses
from collections.abc import Iterable, Mapping

import keras

from darts_tf import tasks
from darts_tf.datasets import SeriesData, TextData
from darts_tf.genotypes.genotype import Genotype
from darts_tf.networks import training
from darts_tf.networks.forecast_training import (
    ForecastRecipe,
    Forecasts,
    loss_of,
    task_of,
    train_forecaster,
)
from darts_tf.networks.forecaster import build_forecaster
from darts_tf.networks.language_evaluation import evaluate_language_model
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.language_training import LanguageRecipe, train_language_model
from darts_tf.networks.network import build_network
from darts_tf.tasks.keras_loss import TaskLoss
from darts_tf.tuner.search_data import SearchData


class Networks(abc.ABC):
    """How a genotype becomes a network, and what that is worth."""

    @abc.abstractmethod
    def build(self, genotype: Genotype) -> keras.Model:
        """A new network around the cells of a genotype."""

    @abc.abstractmethod
    def train(
        self,
        network: keras.Model,
        data: SearchData,
        epochs: int,
        callbacks: Iterable[keras.callbacks.Callback],
    ) -> None:
        """Trains a network.

        Args:
            network: from `build`; in the end it has the weights that count.
            data: of the tuner.
            epochs: of the training.
            callbacks: Keras callbacks.
        """

    @abc.abstractmethod
    def validate(self, network: keras.Model, data: SearchData) -> dict[str, float]:
        """The loss and the task's metrics on the validation data, by name."""

    def load(self, genotype: Genotype, path) -> keras.Model:
        """The network of a genotype with the weights of a file."""
        network = self.build(genotype)
        network.load_weights(path)
        return network


class ImageNetworks(Networks):
    """Networks of stacked cells, trained as `train_network` does it, and by its data.

    Args:
        input_shape, num_classes: of the network.
        channels, cells: None for the macro network's own.
        recipe: how they are trained; `epochs` are those of the tuner.
        task: what for.
        stem: see `build_network`.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        channels: int | None,
        cells: int | None,
        recipe: training.Recipe,
        task: tasks.Task,
        stem: str = "cifar",
    ):
        self._stem = stem
        self._size = input_shape, num_classes, channels, cells
        self._recipe = recipe
        self._task = task

    def build(self, genotype):
        return build_network(genotype, *self._size, stem=self._stem)

    def train(self, network, data, epochs, callbacks):
        training.train_network(
            network,
            data.batches,
            dataclasses.replace(self._recipe, epochs=epochs),
            validation=data.validation,
            extra_callbacks=callbacks,
            task=self._task,
        )

    def validate(self, network, data):
        return training.test_network(network, data.validation, self._task)

    def load(self, genotype, path):
        """Compiled, so that Keras can evaluate it."""
        network = super().load(genotype, path)
        metrics = [metric() for metric in self._task.metrics()]
        network.compile(loss=TaskLoss(self._task, 0.0), weighted_metrics=metrics)
        # Or the file of a network that is saved again could not be loaded without a warning.
        network.optimizer.build(network.trainable_variables)
        return network


class LanguageNetworks(Networks):
    """Language models of a text, trained on its training part and scored on its validation part.

    Args:
        text: from `darts_tf.datasets.load_text`.
        units: of the cell.
        recipe: how they are trained; `epochs` are those of the tuner.
        seed: of the trainings and of what is dropped.
        options: more arguments of `build_language_model`, such as its dropouts.
    """

    def __init__(
        self,
        text: TextData,
        units: int,
        recipe: LanguageRecipe,
        seed: int = 0,
        options: Mapping | None = None,
    ):
        self._text, self._units = text, units
        self._recipe, self._seed = recipe, seed
        self._options = dict(options or {})

    def build(self, genotype):
        size = self._text.vocabulary_size, self._units
        return build_language_model(genotype, *size, seed=self._seed, **self._options)

    def train(self, network, data, epochs, callbacks):
        recipe = dataclasses.replace(self._recipe, epochs=epochs)
        train_language_model(network, self._text, recipe, seed=self._seed, callbacks=callbacks)

    def validate(self, network, data):
        columns, steps = self._recipe.evaluation_batch_size, self._recipe.steps
        loss = evaluate_language_model(network, self._text.validation, columns, steps)
        return {"loss": loss, self._text.measure: self._text.reported(loss)}


class ForecastNetworks(Networks):
    """Forecasters of a series, trained on its training part and scored on its validation part.

    Args:
        series: from `darts_tf.datasets.load_series`.
        units: of the cell.
        recipe: how they are trained; `epochs` are those of the tuner.
        seed: of the trainings.
        options: more arguments of `build_forecaster`, such as its dropouts.
    """

    def __init__(
        self,
        series: SeriesData,
        units: int,
        recipe: ForecastRecipe,
        seed: int = 0,
        options: Mapping | None = None,
    ):
        self._series, self._units = series, units
        self._recipe, self._seed = recipe, seed
        self._options = dict(options or {})

    def build(self, genotype):
        return build_forecaster(genotype, self._series, self._units, **self._options)

    def train(self, network, data, epochs, callbacks):
        recipe = dataclasses.replace(self._recipe, epochs=epochs)
        train_forecaster(network, self._series, recipe, seed=self._seed, callbacks=callbacks)

    def validate(self, network, data):
        series, task = self._series, task_of(self._series)
        targets = series.targets(series.validation)
        found = Forecasts(network, series)(series.validation)
        return {"loss": loss_of(task, targets, found), **task.measure(targets, found)}
