"""Trains the network of a genotype from scratch and tests it once.

    python -m train.evaluate --genotype=RUN/genotype.json --dataset=digits --output_dir=EVAL

writes to EVAL: model.keras, the trained network; result.json with test accuracy, parameters,
multiply-adds and time; metrics.jsonl, history.png, pictures of the cells, TensorBoard logs and
checkpoints. Started again with the same settings it goes on where it stopped.
"""

import dataclasses

import train.quiet  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf import genotypes, macros, plots, tasks
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.networks import training
from darts_tf.networks.network import build_network, without_auxiliary, without_training
from darts_tf.runs.settings import Changeable
from darts_tf.search import callbacks
from train import data_flags, fields, program, runs
from train.data_flags import TaskConfig
from train.task_data import TaskData


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig(TaskConfig):
    """A training of the network of a cell from scratch."""

    genotype: str | None = fields.text(
        None, "A genotype.json, or the name of a published cell such as DARTS_V2."
    )
    output_dir: str | None = fields.text(None, "The folder that the training writes to.")
    epochs: int = fields.integer(600, "Epochs to train.", lower_bound=1)
    batch_size: int = fields.integer(96, "Images in a batch.", lower_bound=1)
    channels: int | None = fields.integer(
        None,
        "Channels of the first cell; a smaller number is faster. By default those of the cell's "
        "space: 36 in darts_cnn, 16 in nas_bench_201.",
        lower_bound=2,
    )
    cells: int | None = fields.integer(
        None,
        "Cells of the network. In darts_cnn 20 by default; those at 1/3 and 2/3 halve the image. "
        "In nas_bench_201 15 by default, in three stages.",
        lower_bound=3,
    )
    stem: str = fields.choice(
        "cifar", ["cifar", "imagenet"], "imagenet divides the image's size by 8 at once."
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
    drop_path: float = fields.number(0.2, "Drop path at the end of the training.")
    label_smoothing: float = fields.number(0.0, "Label smoothing.")
    learning_rate: float = fields.number(0.025, "First learning rate.")
    weight_decay: float = fields.number(3e-4, "L2 of the weights.")


def main(config: EvaluationConfig) -> None:
    """Runs a training."""
    for name, value in config.values(("genotype", "output_dir")).items():
        if not value:
            raise UserError(f"--{name} is missing; see --help")
    for name, value in config.values(("drop_path", "label_smoothing")).items():
        if not 0 <= value < 1:
            raise UserError(f"--{name}={value}: expected a number from 0 to below 1")
    if not 0 < config.learning_rate < float("inf"):
        raise UserError(f"--learning_rate={config.learning_rate}: expected a number above 0")
    if not 0 <= config.weight_decay < float("inf"):
        raise UserError(f"--weight_decay={config.weight_decay}: expected 0 or a number above it")
    genotype = genotypes.get(config.genotype)
    config, data = data_flags.load(runs.keep_augmentation(config, config.output_dir))
    # Refuses a batch that is larger than the data, before a network is built.
    _batches(config, data)(0)
    folder = runs.open_folder(
        config, _decisive(config, genotype), data, Changeable(raised=("epochs",))
    )
    if folder.finished:
        name = tasks.get(config.task).objective.name
        value = folder.read_json("result.json")[f"test_{name}"]
        print(f"this training is finished: test {_words(name)} {value:.4f}")
        return
    genotype.save(folder.file("genotype.json"))
    keras.utils.set_random_seed(config.seed)
    _evaluate(config, genotype, data, folder)


def _decisive(config: EvaluationConfig, genotype) -> dict:
    """All settings that decide the result: a run goes on only with the same ones."""
    own = (
        *("epochs", "batch_size", "channels", "cells", "stem", "auxiliary", "cutout"),
        *("drop_path", "label_smoothing", "learning_rate", "weight_decay"),
    )
    settings = config.values(own)
    settings["channels"], settings["cells"] = _size(config, genotype)
    settings["auxiliary"] = _auxiliary(config, genotype)
    return {
        "program": "evaluate",
        "genotype": genotype.to_dict(),
        **settings,
        **config.decisive(),
    }


def _size(config: EvaluationConfig, genotype) -> tuple[int, int]:
    """Channels and cells, by default those of the space's macro network."""
    channels, cells = _macro(genotype).network_size
    return (
        channels if config.channels is None else config.channels,
        cells if config.cells is None else config.cells,
    )


def _auxiliary(config: EvaluationConfig, genotype) -> bool:
    return _macro(genotype).auxiliary if config.auxiliary is None else config.auxiliary


def _macro(genotype):
    return macros.get(genotype.search_space.macro)


def _evaluate(config: EvaluationConfig, genotype, data, folder) -> None:
    network = _network(config, genotype, data)
    channels, cells = _size(config, genotype)
    cost = _cost(without_auxiliary(network))
    print(
        f"network: {cells} cells, {channels} channels, {cost['parameters']:,} "
        f"parameters, {cost['multiply_adds'] / 1e6:,.1f} M multiply-adds an image",
        flush=True,
    )
    plots.plot_genotype(genotype, folder.path)
    task = tasks.get(config.task)
    records = _train(config, network, data, folder, _logged(task, _auxiliary(config, genotype)))
    test = training.test_network(network, data.in_order(data.test), task)
    objective, examples = task.objective.name, data.size(data.test)
    folder.write_model(without_training(network), "model.keras")
    plots.plot_history(
        [_of_output(record) for record in records],
        folder.file("history.png"),
        f"Training from scratch on {data.name}",
        task.curves(),
    )
    folder.write_json(
        "result.json",
        {
            f"test_{objective}": test[objective],
            "test_loss": test["loss"],
            "test_examples": examples,
            **cost,
            "epochs": config.epochs,
            "train_seconds": records[-1]["seconds"],
            **runs.provenance(folder),
        },
    )
    print(
        f"test {_words(objective)} {test[objective]:.4f} on {examples} images; "
        f"network and pictures are in {folder.path}"
    )


def _network(config: EvaluationConfig, genotype, data):
    """The network that is trained."""
    return build_network(
        genotype,
        data.input_shape,
        data.num_classes,
        *_size(config, genotype),
        stem=config.stem,
        auxiliary=_auxiliary(config, genotype),
        drop_path=config.drop_path > 0,
    )


# What Keras puts before a metric's name where there is an auxiliary head too.
_OF_OUTPUT = "logits_"


def _logged(task: tasks.Task, auxiliary: bool) -> list[str]:
    """The names of the task's metrics in what Keras logs."""
    return [f"{_OF_OUTPUT if auxiliary else ''}{metric.name}" for metric in task.metrics()]


def _of_output(record: dict) -> dict:
    """A record whose metrics of the output have the names that the task gives them."""
    return {**{name.removeprefix(_OF_OUTPUT): x for name, x in record.items()}, **record}


def _words(name: str) -> str:
    return name.replace("_", " ")


def _train(config: EvaluationConfig, network, data, folder, logged) -> list[dict]:
    """Trains, or goes on, as the configuration says; returns the metrics of all epochs."""
    recipe = training.Recipe(
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        drop_path=config.drop_path,
        label_smoothing=config.label_smoothing,
    )
    metrics = callbacks.MetricsLog(folder.file("metrics.jsonl"))
    print("building the graph; the first step takes longest", flush=True)
    training.train_network(
        network,
        _batches(config, data),
        recipe,
        extra_callbacks=[
            metrics,
            callbacks.TensorBoard(folder.file("tensorboard")),
            callbacks.TimeLeft(["loss", *logged]),
        ],
        checkpoint_dir=folder.file("checkpoints"),
        task=config.task,
    )
    return metrics.records


def _cost(network) -> dict:
    return {
        "parameters": counted.parameters(network),
        "multiply_adds": counted.multiply_adds(network),
    }


def _batches(config: EvaluationConfig, data: TaskData):
    return data.stream(data.training, config.batch_size, config.seed)


if __name__ == "__main__":
    program.run(main)
