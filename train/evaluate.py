"""Trains the network of a genotype from scratch and tests it once.

    python -m train.evaluate --genotype=RUN/genotype.json --dataset=digits --output_dir=EVAL

writes to EVAL: model.keras, the trained network; result.json with test accuracy, parameters,
multiply-adds and time; metrics.jsonl, history.png, pictures of the cells, TensorBoard logs and
checkpoints. Started again with the same settings it goes on where it stopped.
"""

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf.common.errors import UserError
from darts_tf.runs.settings import Changeable
from train import data_flags, program, runs

# They stand in --help too.
flags.adopt_module_key_flags(data_flags)

_GENOTYPE = flags.DEFINE_string(
    "genotype", None, "A genotype.json, or the name of a published cell such as DARTS_V2."
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder that the training writes to.")
_EPOCHS = flags.DEFINE_integer("epochs", 600, "Epochs to train.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 96, "Images in a batch.", lower_bound=1)
_CHANNELS = flags.DEFINE_integer(
    "channels",
    None,
    "Channels of the first cell; a smaller number is faster. By default those of the cell's space: "
    "36 in darts_cnn, 16 in nas_bench_201.",
    lower_bound=2,
)
_CELLS = flags.DEFINE_integer(
    "cells",
    None,
    "Cells of the network. In darts_cnn 20 by default; those at 1/3 and 2/3 halve the image. In "
    "nas_bench_201 15 by default, in three stages.",
    lower_bound=3,
)
_STEM = flags.DEFINE_enum(
    "stem", "cifar", ["cifar", "imagenet"], "imagenet divides the image's size by 8 at once."
)
_AUXILIARY = flags.DEFINE_bool(
    "auxiliary",
    None,
    "Train with an auxiliary head (weight 0.4); by default where the cell's space has one, as "
    "darts_cnn has.",
)
_CUTOUT = flags.DEFINE_bool(
    "cutout",
    None,
    "Cut a random square, half as wide as the image, out of every training image. By default only "
    "for known sets of photos: an 8 without its lower left is a 9.",
)
_DROP_PATH = flags.DEFINE_float("drop_path", 0.2, "Drop path at the end of the training.")
_LABEL_SMOOTHING = flags.DEFINE_float("label_smoothing", 0.0, "Label smoothing.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.025, "First learning rate.")
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", 3e-4, "L2 of the weights.")


def main() -> None:
    """Runs the training that the flags describe."""
    for flag in (_GENOTYPE, _OUTPUT_DIR):
        if not flag.value:
            raise UserError(f"--{flag.name} is missing; see --help")
    for flag in (_DROP_PATH, _LABEL_SMOOTHING):
        if not 0 <= flag.value < 1:
            raise UserError(f"--{flag.name}={flag.value}: expected a number from 0 to below 1")
    if not 0 < _LEARNING_RATE.value < float("inf"):
        raise UserError(f"--learning_rate={_LEARNING_RATE.value}: expected a number above 0")
    if not 0 <= _WEIGHT_DECAY.value < float("inf"):
        raise UserError(f"--weight_decay={_WEIGHT_DECAY.value}: expected 0 or a number above it")

    import keras

    from darts_tf import genotypes

    genotype = genotypes.get(_GENOTYPE.value)
    runs.keep_augmentation(_OUTPUT_DIR.value)
    data = data_flags.load()
    if _CUTOUT.value is None:
        flags.FLAGS[_CUTOUT.name].value = data.cutout
    augmentation = data_flags.augmentation(data, _CUTOUT.value)
    # Refuses a batch that is larger than the data, before a network is built.
    _batches(data)(0)
    folder = runs.open_folder(
        _OUTPUT_DIR.value, _config(genotype), data, augmentation, Changeable(raised=("epochs",))
    )
    if folder.finished:
        result = folder.read_json("result.json")
        print(f"this training is finished: test accuracy {result['test_accuracy']:.4f}")
        return
    genotype.save(folder.file("genotype.json"))
    keras.utils.set_random_seed(data_flags.SEED.value)
    _evaluate(genotype, data, folder)


def _config(genotype) -> dict:
    own = (
        *(_EPOCHS, _BATCH_SIZE, _CHANNELS, _CELLS, _STEM, _AUXILIARY, _CUTOUT, _DROP_PATH),
        *(_LABEL_SMOOTHING, _LEARNING_RATE, _WEIGHT_DECAY),
    )
    settings = {flag.name: flag.value for flag in own}
    settings["channels"], settings["cells"] = _size(genotype)
    settings["auxiliary"] = _auxiliary(genotype)
    return {
        "program": "evaluate",
        "genotype": genotype.to_dict(),
        **settings,
        **data_flags.config(),
    }


def _size(genotype) -> tuple[int, int]:
    """Channels and cells, by default those of the space's macro network."""
    channels, cells = _macro(genotype).network_size
    return (
        channels if _CHANNELS.value is None else _CHANNELS.value,
        cells if _CELLS.value is None else _CELLS.value,
    )


def _auxiliary(genotype) -> bool:
    return _macro(genotype).auxiliary if _AUXILIARY.value is None else _AUXILIARY.value


def _macro(genotype):
    from darts_tf import macros

    return macros.get(genotype.search_space.macro)


def _evaluate(genotype, data, folder) -> None:
    from darts_tf import plots
    from darts_tf.networks import training
    from darts_tf.networks.network import without_auxiliary, without_training

    network = _network(genotype, data)
    channels, cells = _size(genotype)
    cost = _cost(without_auxiliary(network))
    print(
        f"network: {cells} cells, {channels} channels, {cost['parameters']:,} "
        f"parameters, {cost['multiply_adds'] / 1e6:,.1f} M multiply-adds an image",
        flush=True,
    )
    plots.plot_genotype(genotype, folder.path)
    accuracy = _accuracy(genotype)
    records = _train(network, data, folder, accuracy)
    test = training.test_network(network, _test_batches(data))
    folder.write_model(without_training(network), "model.keras")
    plots.plot_history(
        [{"accuracy": record.get(accuracy), **record} for record in records],
        folder.file("history.png"),
        title=f"Training from scratch on {data.name}",
    )
    folder.write_json(
        "result.json",
        {
            "test_accuracy": test["accuracy"],
            "test_loss": test["loss"],
            "test_examples": len(data.test_labels),
            **cost,
            "epochs": _EPOCHS.value,
            "train_seconds": records[-1]["seconds"],
            **runs.provenance(folder),
        },
    )
    print(
        f"test accuracy {test['accuracy']:.4f} on {len(data.test_labels)} images; "
        f"network and pictures are in {folder.path}"
    )


def _network(genotype, data):
    """The network that the flags describe."""
    from darts_tf.networks.network import build_network

    return build_network(
        genotype,
        data.image_shape,
        data.num_classes,
        *_size(genotype),
        stem=_STEM.value,
        auxiliary=_auxiliary(genotype),
        drop_path=_DROP_PATH.value > 0,
    )


def _accuracy(genotype) -> str:
    """The name of the accuracy among Keras' metrics."""
    return "logits_accuracy" if _auxiliary(genotype) else "accuracy"


def _train(network, data, folder, accuracy) -> list[dict]:
    """Trains, or goes on, as the flags say; returns the metrics of all epochs."""
    from darts_tf.networks import training
    from darts_tf.search import callbacks

    recipe = training.Recipe(
        epochs=_EPOCHS.value,
        learning_rate=_LEARNING_RATE.value,
        weight_decay=_WEIGHT_DECAY.value,
        drop_path=_DROP_PATH.value,
        label_smoothing=_LABEL_SMOOTHING.value,
    )
    metrics = callbacks.MetricsLog(folder.file("metrics.jsonl"))
    print("building the graph; the first step takes longest", flush=True)
    training.train_network(
        network,
        _batches(data),
        recipe,
        extra_callbacks=[
            metrics,
            callbacks.TensorBoard(folder.file("tensorboard")),
            callbacks.TimeLeft(["loss", accuracy]),
        ],
        checkpoint_dir=folder.file("checkpoints"),
    )
    return metrics.records


def _cost(network) -> dict:
    from darts_tf.costs import counted

    return {
        "parameters": counted.parameters(network),
        "multiply_adds": counted.multiply_adds(network),
    }


def _batches(data):
    from darts_tf import datasets

    augmentation = data_flags.augmentation(data, _CUTOUT.value)
    return lambda epoch: datasets.batches(
        data.train_images,
        data.train_labels,
        _BATCH_SIZE.value,
        mean=data.mean,
        std=data.std,
        augmentation=augmentation,
        shuffle=True,
        seed=data_flags.SEED.value,
        epoch=epoch,
        drop_remainder=True,
    )


def _test_batches(data):
    from darts_tf import datasets

    size = min(256, len(data.test_labels))
    return datasets.batches(data.test_images, data.test_labels, size, mean=data.mean, std=data.std)


if __name__ == "__main__":
    program.run(main)
