"""Trains the network of a genotype from scratch and tests it once.

    python -m train.evaluate --run_dir=RUN --output_dir=EVAL

trains the cell that the search in RUN found, on its data, and the same from anywhere:

    python -m train.evaluate --genotype=RUN/genotype.json --dataset=digits --output_dir=EVAL

It writes to EVAL: model.keras, the trained network; result.json with test accuracy, parameters,
multiply-adds and time; metrics.jsonl, history.png, pictures of the cells, TensorBoard logs and
checkpoints. Started again with the same settings it goes on where it stopped.

With --task=language_model the cell is a recurrent one, or an lstm or a gru to compare with; what is
measured are the perplexity of words or the bits per character; sample.txt is what the network
writes.

With --task=forecasting the cell is a recurrent one, or an lstm or a gru, and what is measured are
the errors of forecasts and their correlation with what came; forecasts.png shows both.
"""

import dataclasses
from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf import plots
from darts_tf.common.errors import UserError
from darts_tf.runs.settings import Changeable
from train import data_flags, fields, program, reports, run_data, runs
from train.data_flags import TaskConfig
from train.network_training import NetworkConfig, NetworkTraining
from train.run_data import RunDataConfig
from train.series_training import SeriesTraining
from train.text_training import TextTraining, TextTrainingConfig

# Task -> how it is trained; all others as images are.
_TRAININGS = {"language_model": TextTraining, "forecasting": SeriesTraining}


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig(TaskConfig, RunDataConfig, NetworkConfig, TextTrainingConfig):
    """A training of the network of a cell from scratch."""

    task_defaults: ClassVar[dict[str, dict]] = {
        "language_model": {**TaskConfig.task_defaults["language_model"], **TextTraining.defaults},
        "forecasting": {**TaskConfig.task_defaults["forecasting"], **SeriesTraining.defaults},
    }

    genotype: str | None = fields.text(
        None,
        "A genotype.json or the folder of a search, the name of a published cell such as DARTS_V2, "
        "or RNN_DARTS_V2, lstm or gru for a language model; or Genotype(normal=[...], ...) as "
        "others print it, a file or log that holds it, and more: docs/genotypes.md.",
    )
    output_dir: str | None = fields.text(None, "The folder that the training writes to.")
    epochs: int = fields.integer(600, "Epochs to train; 20 by default on texts.", lower_bound=1)
    batch_size: int = fields.integer(
        96, "Images in a batch, or columns of a text (32 by default).", lower_bound=1
    )
    channels: int | None = fields.integer(
        None,
        "Channels of the first cell, or the units of a recurrent one; a smaller number is faster. "
        "By default those of the cell's space: 36 in darts_cnn, 16 in nas_bench_201; 128 units.",
        lower_bound=2,
    )
    learning_rate: float = fields.number(
        0.025, "First learning rate; on texts the only one, 4 by default."
    )
    weight_decay: float = fields.number(3e-4, "L2 of the weights; 8e-7 by default on texts.")

    def without_meaning(self) -> list[str]:
        kinds = (NetworkTraining, *_TRAININGS.values())
        own = _TRAININGS.get(self.task, NetworkTraining).flags
        others = {flag for kind in kinds for flag in kind.flags} - {*own}
        return [*super().without_meaning(), *(name for name in self.names() if name in others)]


def main(config: EvaluationConfig) -> None:
    """Runs a training."""
    given = config.given
    config = run_data.of_run(config).of_task()
    if config.run_dir and not config.genotype:
        config = dataclasses.replace(config, genotype=config.run_dir)
    for name, value in config.values(("genotype", "output_dir")).items():
        if not value:
            raise UserError(f"--{name} is missing; see --help")
    if not 0 < config.learning_rate < float("inf"):
        raise UserError(f"--learning_rate={config.learning_rate}: expected a number above 0")
    if not 0 <= config.weight_decay < float("inf"):
        raise UserError(f"--weight_decay={config.weight_decay}: expected 0 or a number above it")
    config.refuse_given(config.without_meaning(), f"has no meaning for the task {config.task}")
    kind = _TRAININGS.get(config.task, NetworkTraining)
    kind.check(config)
    config, data = data_flags.load(runs.keep_augmentation(config, config.output_dir))
    run_data.check(config, data, given)
    training = kind(config, data)
    settings = {"program": "evaluate", **training.decisive(), **config.decisive()}
    folder = runs.open_folder(config, settings, data, Changeable(raised=("epochs",)))
    task = data.task(config.task)
    objective = task.objective.name
    if folder.finished:
        value = folder.read_json("result.json")[f"test_{objective}"]
        print(f"this training is finished: test {_words(objective)} {value:.4f}")
        return
    keras.utils.set_random_seed(config.seed)
    result, records = training.run(task, folder)
    _write(config, data, folder, task, result, records)
    print(
        f"test {_words(objective)} {result[f'test_{objective}']:.4f} on "
        f"{data.size(data.test)} {data.examples}; network and pictures are in {folder.path}"
    )


def _write(config: EvaluationConfig, data, folder, task, result, records) -> None:
    """Writes the curves, the report, and result.json, which marks the training as finished."""
    plots.plot_history(
        records,
        folder.file("history.png"),
        f"Training from scratch on {data.name}",
        task.curves(),
    )
    folder.write_json(
        "result.json",
        {
            **result,
            "test_examples": data.size(data.test),
            "epochs": config.epochs,
            "train_seconds": records[-1]["seconds"],
            **runs.memory(),
            **runs.provenance(folder, data),
        },
    )
    reports.write(folder)


def _words(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    program.run(main)
