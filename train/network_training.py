"""The training of an image network from scratch, as `train.evaluate` does it."""

import dataclasses

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import genotypes, macros, plots
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.networks import label_results, training
from darts_tf.networks.network import build_network, without_auxiliary, without_training
from darts_tf.search import callbacks
from darts_tf.tasks import Task
from train import class_recall, fields, label_lines, predictions, reports
from train.config import Config
from train.task_data import TaskData


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig(Config):
    """The network of a convolutional cell, and how it is regularised."""

    cells: int | None = fields.integer(
        None,
        "Cells of the network. In darts_cnn 20 by default; those at 1/3 and 2/3 halve the image. "
        "In nas_bench_201 15 by default, in three stages.",
        lower_bound=3,
    )
    auxiliary: bool | None = fields.switch(
        None,
        "Train with an auxiliary head (weight 0.4); by default where the cell's space has one, as "
        "darts_cnn has.",
    )
    cutout: bool | None = fields.switch(
        None,
        "Cut a random square, half as wide as the image, out of every training image. By default "
        "only for known sets of photos: an 8 without its lower left is a 9.",
    )
    evaluation_crop: float | None = fields.number(
        None,
        "What share of test images, and of those of a validation part, is seen: their middle, with "
        "the proportions of --image_size; usual for photos are 0.875. The export does the same. By "
        "default all of an image is resized.",
    )
    drop_path: float = fields.number(0.2, "Drop path at the end of the training.")
    label_smoothing: float = fields.number(0.0, "Label smoothing.")


class NetworkTraining:
    """Trains the network of a genotype with convolutional cells.

    Args:
        config: of `train.evaluate`, once the data are loaded.
        data: of the task.
    """

    #: The names of the settings that only such a training has.
    flags = (*("cells", "auxiliary", "cutout", "evaluation_crop", "drop_path", "label_smoothing"),)

    def __init__(self, config, data: TaskData):
        self._config, self._data = config, data
        self._genotype = genotypes.get(config.genotype)
        macro = macros.get(self._genotype.search_space.macro)
        channels, cells = macro.network_size
        self._size = (
            channels if config.channels is None else config.channels,
            cells if config.cells is None else config.cells,
        )
        self._auxiliary = macro.auxiliary if config.auxiliary is None else config.auxiliary
        # Refuses a batch that is larger than the data, before a network is built.
        self._batches(0)

    @staticmethod
    def check(config) -> None:
        """Refuses settings out of their range, before anything is loaded.

        Raises:
            UserError: names the flag, or there is no such genotype.
        """
        for name, value in config.values(("drop_path", "label_smoothing")).items():
            if not 0 <= value < 1:
                raise UserError(f"--{name}={value}: expected a number from 0 to below 1")
        if config.evaluation_crop is not None and not 0 < config.evaluation_crop <= 1:
            raise UserError(
                f"--evaluation_crop={config.evaluation_crop}: expected a share above 0 up to 1, "
                "such as 0.875"
            )
        genotypes.get(config.genotype)

    def decisive(self) -> dict:
        """All settings that decide the result but those of the data."""
        own = (
            *("epochs", "batch_size", "channels", "cells", "auxiliary", "cutout"),
            "evaluation_crop",
            *("drop_path", "label_smoothing", "learning_rate", "weight_decay"),
        )
        settings = self._config.values(own)
        settings["channels"], settings["cells"] = self._size
        settings["auxiliary"] = self._auxiliary
        return {"genotype": self._genotype.to_dict(), **settings}

    def run(self, task: Task, folder) -> tuple[dict, list[dict]]:
        """Trains, or goes on, and tests; writes the network and pictures of its cells.

        Returns:
            What is written down as the result, and the metrics of all epochs.
        """
        self._genotype.save(folder.file("genotype.json"))
        network = self._network()
        channels, cells = self._size
        cost = _cost(without_auxiliary(network))
        print(
            f"network: {cells} cells, {channels} channels, {cost['parameters']:,} "
            f"parameters, {cost['multiply_adds'] / 1e6:,.1f} M multiply-adds an image",
            flush=True,
        )
        plots.plot_genotype(self._genotype, folder.path)
        records = self._train(network, task, folder)
        test = training.test_network(network, self._data.in_order(self._data.test), task)
        folder.write_model(without_training(network), "model.keras")
        objective = task.objective.name
        result = {f"test_{objective}": test[objective], "test_loss": test["loss"]}
        if hasattr(self._data, "measure"):
            result |= self._measured(network, task, test)
        if (found := predictions.of_test(network, self._data)) is not None:
            predictions.write(folder, found, self._data)
            balanced = "balanced" in (self._config.class_weights, self._config.sampling)
            result |= class_recall.report(found, self._data, balanced)
        return {**result, **cost}, records

    def _measured(self, network, task, test) -> dict:
        """All metrics, and what the network is worth by label or column."""
        metrics = {metric.name: test[metric.name] for metric in task.metrics()}
        print(", ".join(f"test {name} {value:.4f}" for name, value in metrics.items()))
        outputs = label_results.outputs_for(network, self._data.in_order(self._data.test), task)
        found = self._data.measure(outputs, task)
        for rows in found.values():
            label_lines.show(rows)
        return {**{f"test_{name}": value for name, value in metrics.items()}, **found}

    def _network(self):
        config = self._config
        return build_network(
            self._genotype,
            self._data.input_shape,
            self._data.num_classes,
            *self._size,
            stem=self._data.stem,
            auxiliary=self._auxiliary,
            drop_path=config.drop_path > 0,
        )

    def _train(self, network, task, folder) -> list[dict]:
        """Trains, or goes on, as the configuration says; returns the metrics of all epochs."""
        config, data = self._config, self._data
        recipe = training.Recipe(
            epochs=config.epochs,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            drop_path=config.drop_path,
            label_smoothing=config.label_smoothing,
        )
        metrics = callbacks.MetricsLog(folder.file("metrics.jsonl"))
        logged = [metric.name for metric in task.metrics()]
        validated = [] if data.validation is None else [f"val_{name}" for name in logged]
        training.train_network(
            network,
            self._batches,
            recipe,
            validation=None if data.validation is None else data.in_order(data.validation),
            extra_callbacks=[
                metrics,
                callbacks.TensorBoard(folder.file("tensorboard")),
                reports.EachEpoch(folder),
                callbacks.TimeLeft(["loss", *logged, *validated]),
            ],
            checkpoint_dir=folder.file("checkpoints"),
            task=task,
        )
        return metrics.records

    def _batches(self, epoch):
        config, data = self._config, self._data
        return data.stream(data.training, config.batch_size, config.seed)(epoch)


def _cost(network) -> dict:
    return {
        "parameters": counted.parameters(network),
        "multiply_adds": counted.multiply_adds(network),
    }
