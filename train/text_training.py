"""The training of a language model from scratch, as `train.evaluate` does it."""

import dataclasses
from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf.costs import counted
from darts_tf.networks.language_evaluation import evaluate_language_model
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.language_training import LanguageRecipe, train_language_model
from darts_tf.networks.sizes import nearest_units
from darts_tf.networks.text_generation import TextGenerator
from darts_tf.search import callbacks
from darts_tf.tasks import Task
from train import fields, reports, texts
from train.config import Config
from train.recurrent_training import RecurrentTraining

_UNITS = 128
# Of the text that the trained network writes, and of its prompt.
_WRITTEN = {"characters": 500, "words": 100}
_PROMPT = {"characters": 20, "words": 4}
_TEMPERATURE = 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTrainingConfig(Config):
    """How large the network of a recurrent cell is, and when its weights are averaged."""

    parameters: int | None = fields.integer(
        None,
        "Instead of --channels: as many units as make a network of about so many weights, to "
        "compare cells.",
        lower_bound=1,
    )
    clip_norm: float = fields.number(0.25, "Largest norm of a gradient.")
    patience: int = fields.integer(
        5,
        "Weights are averaged once the validation loss is above the best of all epochs but the "
        "last so many.",
        lower_bound=1,
    )


class TextTraining(RecurrentTraining):
    """Trains a language model around a recurrent cell.

    Args:
        config: of `train.evaluate`, once the data are loaded.
        data: the text.
    """

    #: Settings whose defaults are others than those of images.
    defaults: ClassVar[dict] = {
        **{"epochs": 20, "batch_size": 32, "learning_rate": 4.0, "weight_decay": 8e-7}
    }

    what = "a language model"

    def __init__(self, config, data: texts.Texts):
        self._config, self._data = config, data
        self._cell = self.cell_of(config.genotype)
        self._units = config.channels or _UNITS
        if config.parameters is not None:
            self._units = self._units_of(config.parameters)
        # Refuses a batch that is larger than the text, before a network is built.
        data.stream(data.training, config.batch_size, config.seed)(0)

    def run(self, task: Task, folder) -> tuple[dict, list[dict]]:
        """Trains, or goes on, and tests; writes the network, its cell and a text by it.

        Returns:
            What is written down as the result, and the metrics of all epochs.
        """
        self._write_cell(folder)
        model = self._network(self._units)
        parameters = counted.parameters(model)
        print(f"network: {self._units} units, {parameters:,} parameters", flush=True)
        metrics = callbacks.MetricsLog(folder.file("metrics.jsonl"))
        shown = ["loss", task.objective.name, f"val_{task.objective.name}"]
        trained = train_language_model(
            model,
            self._data.text,
            self._recipe(),
            seed=self._config.seed,
            callbacks=[
                metrics,
                callbacks.TensorBoard(folder.file("tensorboard")),
                reports.EachEpoch(folder),
                callbacks.TimeLeft(shown),
            ],
            checkpoint_dir=folder.file("checkpoints"),
        )
        loss = evaluate_language_model(model, self._data.test.tokens, steps=self._config.bptt)
        folder.write_model(model, "model.keras")
        folder.write("sample.txt", self._written(model))
        return {
            f"test_{task.objective.name}": self._data.text.reported(loss),
            "test_loss": loss,
            f"best_validation_{task.objective.name}": self._data.text.reported(trained.best_loss),
            "best_epoch": trained.best_epoch,
            "averaged_from": trained.averaged_from,
            "parameters": parameters,
            "units": self._units,
        }, metrics.records

    def _network(self, units):
        size = self._data.num_classes, units
        options = self.options_of(self._config)
        return build_language_model(self._cell, *size, seed=self._config.seed, **options)

    @staticmethod
    def options_of(config) -> dict:
        """The arguments of `build_language_model` that the flags of a text say."""
        own = ("embedding_dropout", "input_dropout", "output_dropout", "slowness")
        return {
            "dropout": config.cell_dropout,
            "recurrent_dropout": config.state_dropout,
            **config.values(own),
        }

    def _recipe(self) -> LanguageRecipe:
        config = self._config
        columns = LanguageRecipe.evaluation_batch_size
        return LanguageRecipe(
            epochs=config.epochs,
            batch_size=config.batch_size,
            steps=config.bptt,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            clip_norm=config.clip_norm,
            patience=config.patience,
            evaluation_batch_size=min(columns, len(self._data.text.validation) - 1),
        )

    def _units_of(self, parameters: int) -> int:
        """The units of the network whose number of weights is nearest to that."""
        return nearest_units(self._count, parameters, least=2)

    def _count(self, units) -> int:
        count = counted.parameters(self._network(units))
        keras.utils.clear_session()
        return count

    def _written(self, model) -> str:
        """How the test text begins, and how the network goes on with it."""
        text = self._data.text
        prompt = text.decode(text.test[: _PROMPT[text.unit]])
        go_on = TextGenerator(model, text)
        written = go_on(prompt, _WRITTEN[text.unit], _TEMPERATURE, self._config.seed)
        between = " " if text.unit == "words" else ""
        return f"{prompt}{between}{written}\n"
