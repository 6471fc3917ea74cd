"""The network that is trained from scratch, built of the cells that a genotype describes."""

import keras

from darts_tf.errors import UserError
from darts_tf.genotypes import Genotype
from darts_tf.layers.cell import Cell
from darts_tf.layers.convolutions import initializer
from darts_tf.layers.stems import AuxiliaryHead, ImageNetStem, Stem
from darts_tf.supernet import reduction_cells

STEMS = ("cifar", "imagenet")


def build_network(
    genotype: Genotype,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 36,
    cells: int = 20,
    *,
    stem: str = "cifar",
    auxiliary: bool = False,
    drop_path: bool = False,
) -> keras.Model:
    """The derived network (Liu, Simonyan, Yang, ICLR 2019, section 3.2), a functional Keras model.

    Args:
        genotype: the cells.
        input_shape: `(height, width, channels)` of an image.
        num_classes: number of logits.
        channels: channels of the states of the first cell; doubled by each reduction cell.
        cells: number of cells; those at one and two thirds of the depth are reduction cells.
        stem: "cifar" keeps the image's size, "imagenet" divides it by 8 before the first cell.
        auxiliary: whether to add a second classifier behind the cell at two thirds of the depth.
        drop_path: whether the cells hold `DropPath` layers; see `DropPathSchedule`.

    Returns:
        A model from images `[batch, height, width, channels]` to float32 logits
        `[batch, num_classes]`; with an auxiliary head to a dictionary of `logits` and
        `auxiliary`.  `without_auxiliary` takes the head off again.

    Raises:
        UserError: an argument is out of its range.
    """
    if stem not in STEMS:
        raise UserError(f"unknown stem {stem!r}; expected one of {', '.join(STEMS)}")
    for name, value in (("channels", channels), ("num_classes", num_classes)):
        if value < 2:
            raise UserError(f"{name} must be at least 2, got {value}")
    reductions = reduction_cells(cells)
    images = keras.Input(input_shape, name="images")
    before, last = _stem(stem, channels, images)
    reduction_before = stem == "imagenet"
    side = None
    for i in range(cells):
        reduction = i in reductions
        channels *= 2 if reduction else 1
        cell = genotype["reduce" if reduction else "normal"]
        layer = Cell(
            cell.nodes,
            cell.concat,
            channels,
            reduction=reduction,
            reduction_before=reduction_before,
            drop_path=drop_path,
            name=f"cell_{i}_{'reduce' if reduction else 'normal'}",
        )
        before, last = last, layer([before, last])
        reduction_before = reduction
        if i == reductions[1]:
            side = last
    pooled = keras.layers.GlobalAveragePooling2D(name="global_pool")(last)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer=initializer(), dtype="float32", name="logits"
    )(pooled)
    if not auxiliary:
        return keras.Model(images, logits, name="network")
    head = AuxiliaryHead(num_classes, name="auxiliary")(side)
    return keras.Model(images, {"logits": logits, "auxiliary": head}, name="network")


def without_auxiliary(network: keras.Model) -> keras.Model:
    """The same network, sharing all weights, with the logits as its only output."""
    if not isinstance(network.output, dict):
        return network
    return keras.Model(network.inputs[0], network.output["logits"], name=network.name)


def _stem(kind, channels, images):
    """The inputs of the first cell."""
    if kind == "cifar":
        outputs = Stem(3 * channels, name="stem")(images)
        return outputs, outputs
    first = ImageNetStem(channels, first=True, name="stem_0")(images)
    return first, ImageNetStem(channels, first=False, name="stem_1")(first)
