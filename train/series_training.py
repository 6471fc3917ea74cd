"""The training of a forecaster from scratch, as `train.evaluate` does it."""

from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import plots
from darts_tf.costs import counted
from darts_tf.networks.forecast_baselines import last_value
from darts_tf.networks.forecast_training import (
    ForecastRecipe,
    Forecasts,
    loss_of,
    train_forecaster,
)
from darts_tf.networks.forecaster import build_forecaster, units_of_size
from darts_tf.search import callbacks
from darts_tf.tasks import Task
from darts_tf.tasks.forecasting import relative
from train import reports
from train.recurrent_training import RecurrentTraining
from train.series import Series

_UNITS = 32


class SeriesTraining(RecurrentTraining):
    """Trains a forecaster around a recurrent cell.

    Args:
        config: of `train.evaluate`, once the data are loaded.
        data: the series.
    """

    #: Settings whose defaults are others than those of images and texts.
    defaults: ClassVar[dict] = {
        **{"epochs": 200, "batch_size": 64, "learning_rate": 1e-3, "weight_decay": 0.0},
        **{"clip_norm": 1.0, "patience": 20},
    }

    what = "a network of forecasts"

    def __init__(self, config, data: Series):
        self._config, self._data = config, data
        self._cell = self.cell_of(config.genotype)
        self._units = config.channels or _UNITS
        if config.parameters is not None:
            self._units = units_of_size(self._cell, data.series, config.parameters)
        # Refuses a batch that is larger than the series, before a network is built.
        data.stream(data.series.train, config.batch_size, config.seed)(0)

    def run(self, task: Task, folder) -> tuple[dict, list[dict]]:
        """Trains, or goes on, and tests; writes the network, its cell and a plot of forecasts.

        Returns:
            What is written down as the result, and the metrics of all epochs.
        """
        self._write_cell(folder)
        series = self._data.series
        network = network_of(self._config, self._cell, series, self._units)
        parameters = counted.parameters(network)
        print(f"network: {self._units} units, {parameters:,} parameters", flush=True)
        metrics = callbacks.MetricsLog(folder.file("metrics.jsonl"))
        trained = train_forecaster(
            network,
            series,
            recipe_of(self._config),
            seed=self._config.seed,
            callbacks=[
                metrics,
                callbacks.TensorBoard(folder.file("tensorboard")),
                reports.EachEpoch(folder),
                callbacks.TimeLeft(["loss", "val_loss", f"val_{task.objective.name}"]),
            ],
            checkpoint_dir=folder.file("checkpoints"),
        )
        targets, found = series.targets(series.test), Forecasts(network, series)(series.test)
        folder.write_model(network, "model.keras")
        plots.plot_forecasts(
            targets,
            found,
            folder.file("forecasts.png"),
            series.columns,
            times=None if series.times is None else series.times[series.test.start :],
            title=f"Test part of {series.name}, {series.horizon} ahead",
        )
        measured = task.measure(targets, found)
        of_last = task.measure(targets, last_value(series, series.test))
        ratio = relative(measured, of_last)
        print(
            f"repeating the last value has a test rse of {of_last['rse']:.4f}; the network's is "
            f"{ratio['rse']:.3f} times that"
        )
        return {
            **{f"test_{name}": value for name, value in measured.items()},
            "test_loss": loss_of(task, targets, found),
            "relative_to_last_value": ratio,
            "last_value": of_last,
            "best_validation_loss": trained.best_loss,
            "best_epoch": trained.best_epoch,
            "parameters": parameters,
            "units": self._units,
        }, metrics.records


def network_of(config, cell, series, units: int):
    """The network around a cell, with the dropout of the configuration."""
    return build_forecaster(
        cell,
        series,
        units,
        dropout=config.cell_dropout,
        recurrent_dropout=config.state_dropout,
    )


def recipe_of(config) -> ForecastRecipe:
    """How the configuration has it trained."""
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "clip_norm", "patience")
    return ForecastRecipe(**config.values(names))
