"""The trials of train.tune by task: their data, their networks, and the test at the end."""

import dataclasses
from typing import Any

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import tuner as tuners
from darts_tf.common import seeds
from darts_tf.networks import training
from darts_tf.networks.forecast_training import ForecastRecipe, Forecasts, loss_of, task_of
from darts_tf.networks.language_evaluation import evaluate_language_model
from darts_tf.networks.language_training import LanguageRecipe
from darts_tf.networks.network import without_training
from train import predictions
from train.series_training import SeriesTraining
from train.task_data import TaskData
from train.text_training import TextTraining
from train.texts import Part


class Trials:
    """The trials on images.

    Args:
        config: a `TuneConfig`, once the data are loaded.
        data: of the task.

    Attributes:
        task: of the data.
    """

    def __init__(self, config, data: TaskData):
        self._config, self._data = config, data
        self.task = data.task(config.task)

    def parts(self) -> tuple[Any, tuple[Any, Any], Any]:
        """The examples that train, their halves, and the batches that score."""
        config, data = self._config, self._data
        share = 1 - config.validation_portion
        trained, scoring = data.with_validation(share, config.seed)
        return trained, data.split(trained, 0.5, config.seed), data.in_order(scoring)

    def stream(self, part, number: int):
        """Batches of a part, a function from the number of the epoch."""
        seed = seeds.of_stream(self._config.seed, number, streams=3)
        return self._data.stream(part, self._config.batch_size, seed)

    def check(self) -> None:
        """Refuses a batch that is larger than what it is of.

        Raises:
            UserError: says how many examples there are.
        """
        trained, halves, _ = self.parts()
        parts = (trained, *halves) if self._config.tuner == "architecture" else (trained,)
        for number, part in enumerate(parts):
            self.stream(part, number)(0)

    def search_data(self) -> tuners.SearchData:
        """The data of trials that search."""
        trained, halves, validation = self.parts()
        streams = tuple(self.stream(half, i + 1) for i, half in enumerate(halves))
        return tuners.SearchData(streams, self.stream(trained, 0), validation, task=self.task)

    def networks(self) -> tuners.Networks | None:
        """How the networks of trials that search are trained; None for `ImageNetworks`."""
        return None

    def test(self, network) -> dict[str, float]:
        """The loss and the task's metrics on the test data."""
        return training.test_network(network, self._data.in_order(self._data.test), self.task)

    def write(self, network, folder) -> None:
        """Writes model.keras, and what the network predicts for the test images."""
        folder.write_model(without_training(network), "model.keras")
        if (found := predictions.of_test(network, self._data)) is not None:
            predictions.write(folder, found, self._data)


class _RecurrentTrials(Trials):
    """Trials whose data come in a training, a validation and a test part already."""

    #: The share of the training part that trains a search's weights, as in train.search.
    share: float

    def _units(self) -> int:
        return self._config.size()[0]

    def write(self, network, folder):
        folder.write_model(network, "model.keras")


class TextTrials(_RecurrentTrials):
    """The trials on a text."""

    share = 0.9

    def parts(self):
        data = self._data
        halves = data.split(data.training, self.share, self._config.seed)
        scoring = Part(data.text.validation, "validation text")
        return data.training, halves, data.in_order(scoring, self._columns())

    def _columns(self) -> int:
        return min(LanguageRecipe.evaluation_batch_size, len(self._data.text.validation) - 1)

    def networks(self):
        config, own = self._config, TextTraining.defaults
        recipe = LanguageRecipe(
            batch_size=config.batch_size,
            steps=config.bptt,
            learning_rate=own["learning_rate"],
            weight_decay=own["weight_decay"],
            evaluation_batch_size=self._columns(),
        )
        options = TextTraining.options_of(config)
        return tuners.LanguageNetworks(self._data.text, self._units(), recipe, config.seed, options)

    def test(self, network):
        loss = evaluate_language_model(network, self._data.test.tokens, steps=self._config.bptt)
        return {"loss": loss, self.task.objective.name: self._data.text.reported(loss)}


class SeriesTrials(_RecurrentTrials):
    """The trials on a series."""

    share = 0.75

    def parts(self):
        data, series = self._data, self._data.series
        halves = data.split(series.train, self.share, self._config.seed)
        return series.train, halves, data.in_order(series.validation)

    def networks(self):
        config = self._config
        own = {name: SeriesTraining.defaults[name] for name in ("clip_norm", "patience")}
        recipe = dataclasses.replace(ForecastRecipe(**own), batch_size=config.batch_size)
        options = {"dropout": config.cell_dropout, "recurrent_dropout": config.state_dropout}
        return tuners.ForecastNetworks(
            self._data.series, self._units(), recipe, config.seed, options
        )

    def test(self, network):
        series = self._data.series
        task, targets = task_of(series), series.targets(series.test)
        found = Forecasts(network, series)(series.test)
        return {"loss": loss_of(task, targets, found), **task.measure(targets, found)}


_KINDS = {"language_model": TextTrials, "forecasting": SeriesTrials}


def get(config, data: TaskData) -> Trials:
    """The trials of a configuration's task."""
    return _KINDS.get(config.task, Trials)(config, data)
