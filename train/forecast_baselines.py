"""Compares forecasts of a series: with and without networks, all on the same test part.

    python -m train.forecast_baselines --run_dir=RUN --output_dir=OUT

trains the network of the cell that the search in RUN found on its data (--genotype and --dataset
name others), and an LSTM and a GRU with as many parameters, by the same code from the same seed,
and adds repeating the last value, repeating the last season (--period) and a vector autoregression
whose order AIC or BIC chooses on the training part (with statsmodels, see
requirements-forecast.txt). It prints a table and writes it to OUT, as baselines.json, as
comparison.json for the reports of trainings on the same data, and as report.html to look at.
Without a cell --parameters says how large the others are.
"""

import dataclasses
import math
import time
from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
from absl import logging

from darts_tf import report
from darts_tf.common import files, json_text
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.networks import forecast_baselines
from darts_tf.networks.forecast_training import Forecasts, train_forecaster
from darts_tf.networks.forecaster import units_of_size
from darts_tf.report import comparison, worth
from darts_tf.search.time_left import StepsLeft
from darts_tf.tasks.forecasting import relative
from train import fields, program, run_data, series_training
from train.run_data import RunDataConfig
from train.series import EMBEDDED, Series, SeriesConfig

_MEASURES = ("rse", "correlation", "rmse", "mae")


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselinesConfig(SeriesConfig, RunDataConfig):
    """Which forecasts are compared."""

    #: What `train.run_data` asks for.
    task: ClassVar[str] = "forecasting"
    without_task = (
        "what is compared are forecasts of a series; cells for images and texts are trained one by "
        "one, by train.evaluate"
    )

    defaults: ClassVar[dict] = series_training.SeriesTraining.defaults

    dataset: str = fields.text(
        EMBEDDED, f"The series: {EMBEDDED} (built in), or a file with numbers in columns."
    )
    output_dir: str | None = fields.text(None, "The folder that baselines.json is written to.")
    genotype: str | None = fields.text(
        None,
        "A recurrent cell: a genotype.json, a name such as RNN_DARTS_V2, or what else "
        "docs/genotypes.md lists.",
    )
    channels: int = fields.integer(32, "Units of the network of --genotype.", lower_bound=1)
    parameters: int | None = fields.integer(
        None,
        "Parameters of the LSTM and the GRU; by default those of the network of --genotype, and "
        "without it 10,000.",
        lower_bound=1,
    )
    period: int = fields.integer(
        5, "Rows of a season, such as 5 for working days or 24 for hours.", lower_bound=1
    )
    cell_dropout: float = fields.number(0.0, "Share of the cells' inputs that is dropped.")
    state_dropout: float = fields.number(0.0, "Share of the states in a cell that is dropped.")
    epochs: int = fields.integer(defaults["epochs"], "The most epochs.", lower_bound=1)
    batch_size: int = fields.integer(defaults["batch_size"], "Windows in a batch.", lower_bound=1)
    learning_rate: float = fields.number(defaults["learning_rate"], "Of Adam.")
    weight_decay: float = fields.number(defaults["weight_decay"], "Of AdamW.")
    clip_norm: float = fields.number(defaults["clip_norm"], "Largest norm of a gradient.")
    patience: int = fields.integer(
        defaults["patience"],
        "A training ends after so many epochs that are no better on the validation part.",
        lower_bound=1,
    )
    seed: int = fields.integer(0, "Fixes all random choices.", lower_bound=0)


def main(config: BaselinesConfig) -> None:
    """Compares, prints a table and writes it."""
    if not config.output_dir:
        raise UserError("--output_dir is missing; give the folder that is written to")
    for name in ("learning_rate", "clip_norm"):
        if not 0 < getattr(config, name) < float("inf"):
            raise UserError(f"--{name}={getattr(config, name)}: expected a number above 0")
    given = config.given
    config = run_data.of_run(config)
    if config.run_dir and not config.genotype:
        config = dataclasses.replace(config, genotype=config.run_dir)
    cell = config.genotype and series_training.SeriesTraining.cell_of(config.genotype)
    config, data = Series.load(config)
    run_data.check(config, data, given)
    rows = [*_without_networks(config, data), *_networks(config, data, cell)]
    last = rows[0]
    for row in rows:
        measured = {name: row[name] for name in _MEASURES}
        row["relative_to_last_value"] = relative(measured, last)
    _print(rows)
    content = {"series": data.description(False), "seed": config.seed, "forecasts": rows}
    folder = files.make_folder(config.output_dir)
    path = folder / "baselines.json"
    files.write(path, json_text.dumps(content, indent=2) + "\n")
    comparison.write(folder, _comparison(config, data, rows))
    report.write([report.Run(folder)], folder / "report.html")
    print(f"wrote {path} and {folder / 'report.html'}")


def _comparison(config, data, rows) -> comparison.Comparison:
    """The rows as the report of a run shows them, the best first."""
    found = [
        {
            "name": row["name"],
            "kind": row.get("kind", "baseline"),
            # Of a constant series there is none.
            "value": row["rse"] if math.isfinite(row["rse"]) else None,
            "seeds": 1 if "units" in row else None,
            "relative_to_last_value": row["relative_to_last_value"]["rse"],
            **{name: row[name] for name in _MEASURES[1:]},
            **{name: row.get(name) for name in ("parameters", "processor_seconds")},
        }
        for row in sorted(rows, key=lambda row: row["rse"])
    ]
    return comparison.Comparison(
        metric="test_rse",
        larger_is_better=False,
        rows=found,
        budget=f"at most {config.epochs} epochs for each network, from the seed {config.seed}",
        data_sha256=data.digest(data.description(False)),
    )


def _without_networks(config, data) -> list[dict]:
    series, test = data.series, data.test
    found = [
        _row(data, "last value", forecast_baselines.last_value(series, test)),
        _row(
            data,
            f"seasonal, {config.period} rows",
            forecast_baselines.seasonal(series, test, config.period),
        ),
    ]
    for criterion in forecast_baselines.CRITERIA:
        try:
            forecast, order = forecast_baselines.vector_autoregression(series, test, criterion)
        except UserError as error:
            logging.warning("no vector autoregression by %s: %s", criterion.upper(), error)
            continue
        name = f"VAR, {order} lags by {criterion.upper()}"
        found.append(_row(data, name, forecast) | {"order": order})
    return found


def _networks(config, data, cell) -> list[dict]:
    found, size = [], config.parameters
    if cell is not None:
        network = series_training.network_of(config, cell, data.series, config.channels)
        size = size or counted.parameters(network)
        name = cell if isinstance(cell, str) else f"cell of {cell.space}"
        row = _trained(config, data, name, cell, config.channels)
        found.append({**row, "kind": worth.kind_of(config.genotype)})
    for name in ("lstm", "gru"):
        units = units_of_size(name, data.series, size or 10_000)
        found.append(_trained(config, data, name, name, units))
    return found


def _trained(config, data, name, cell, units) -> dict:
    keras.utils.set_random_seed(config.seed)
    started, worked = time.perf_counter(), time.process_time()
    network = series_training.network_of(config, cell, data.series, units)
    training = train_forecaster(
        network,
        data.series,
        series_training.recipe_of(config),
        seed=config.seed,
        callbacks=[StepsLeft(f"{name} at most")],
    )
    found = _row(data, name, Forecasts(network, data.series)(data.test))
    parameters = counted.parameters(network)
    seconds = round(time.perf_counter() - started, 1)
    print(
        f"{name}: {units} units, {parameters:,} parameters, best of "
        f"{len(training.validation_losses)} epochs: {training.best_epoch}, {seconds} s",
        flush=True,
    )
    return found | {
        "units": units,
        "parameters": parameters,
        "best_epoch": training.best_epoch,
        "best_validation_loss": training.best_loss,
        "seconds": seconds,
        "processor_seconds": round(time.process_time() - worked, 1),
    }


def _row(data, name, forecast) -> dict:
    task, series = data.task("forecasting"), data.series
    return {"name": name, **task.measure(series.targets(data.test), forecast)}


def _print(rows) -> None:
    print(f"{'test part':28}{'parameters':>11}{'RSE':>10}{'/ last':>8}{'CORR':>9}", end="")
    print(f"{'RMSE':>12}{'MAE':>12}")
    for row in rows:
        size = f"{row['parameters']:,}" if "parameters" in row else ""
        print(
            f"{row['name']:28}{size:>11}{row['rse']:10.5f}"
            f"{row['relative_to_last_value']['rse']:8.3f}{row['correlation']:9.4f}"
            f"{row['rmse']:12.5g}{row['mae']:12.5g}"
        )


if __name__ == "__main__":
    program.run(main)
