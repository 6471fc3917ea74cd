"""The network that is trained from scratch, built of the cells that a genotype describes."""

import keras

from darts_tf import macros, spaces
from darts_tf.cells.cell import Cell
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.layers.keras_settings import check_policy, inner_layers
from darts_tf.layers.stems import AuxiliaryHead, ImageNetStem


def build_network(
    genotype: Genotype,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int | None = None,
    cells: int | None = None,
    *,
    stem: str = "cifar",
    auxiliary: bool = False,
    drop_path: bool = False,
) -> keras.Model:
    """The derived network (Liu, Simonyan, Yang, ICLR 2019, section 3.2), a functional Keras model.

    Args:
        genotype: the cells.
        input_shape: `(height, width, channels)` of an image, or what else the space's operations
            take.
        num_classes: number of logits.
        channels: channels of the states of the first cell; None for the macro network's own
            (DARTS: 36).
        cells: number of cells; None for the macro network's own (DARTS: 20).
        stem: of `darts_tf.macros.IMAGE_STEMS`: "cifar" keeps the image's size, "space_to_depth"
            divides it by 4 before the first cell, "imagenet" by 8.
        auxiliary: whether to add a second classifier behind the cell at two thirds of the depth.
        drop_path: whether the cells hold `DropPath` layers; see `DropPathSchedule`.

    Returns:
        A model from images `[batch, height, width, channels]` to float32 logits
        `[batch, num_classes]`; with an auxiliary head to a dictionary of `logits` and
        `auxiliary`.  `without_auxiliary` takes the head off again.

    Raises:
        UserError: an argument is out of its range, or Keras' dtype policy keeps weights in 16 bits.
    """
    space = genotype.search_space
    spaces.check_kind(space, "convolutional", "a network for images")
    macro = macros.get(space.macro)
    channels = macro.network_size[0] if channels is None else channels
    cells = macro.network_size[1] if cells is None else cells
    macros.check_stem(macro, stem)
    _check(macro, auxiliary, channels, num_classes)
    policy = keras.config.dtype_policy()
    check_policy(policy)
    with inner_layers(policy):
        images = keras.Input(input_shape, dtype="float32", name="images")
        outputs = []

        def run(part, inputs):
            if not macros.is_plan(part):
                return part(inputs)
            if not outputs and stem == "imagenet":
                part = part._replace(reduction_before=True)
            outputs.append(_cell(genotype, space, part, drop_path, len(outputs))(inputs))
            return outputs[-1]

        first = _stem(macro, stem, channels, images)
        last = macros.walk(macro.parts(channels, cells), first, space.inputs, run)
        logits = macro.head(num_classes, name="logits")(last)
        if not auxiliary:
            return keras.Model(images, logits, name="network")
        head = AuxiliaryHead(num_classes, name="auxiliary")(outputs[2 * cells // 3])
        return keras.Model(images, {"logits": logits, "auxiliary": head}, name="network")


def _check(macro, auxiliary, channels, num_classes):
    if auxiliary and not macro.auxiliary:
        raise UserError(
            f"the macro network {macro.name!r} has no auxiliary head; build it without one"
        )
    for name, value, least in (("channels", channels, 2), ("num_classes", num_classes, 1)):
        if value < least:
            raise UserError(f"{name} must be at least {least}, got {value}")


def _cell(genotype, space, plan, drop_path, i) -> Cell:
    cell_type = space.cell_type_of(plan.reduction)
    cell = genotype[cell_type]
    return Cell(
        cell.nodes,
        cell.concat,
        **plan._asdict(),
        drop_path=drop_path,
        inputs=space.inputs,
        preprocess=space.preprocess,
        name=f"cell_{i}_{cell_type}",
    )


def without_auxiliary(network: keras.Model) -> keras.Model:
    """The same network, sharing all weights, with the logits as its only output."""
    if not isinstance(network.output, dict):
        return network
    return keras.Model(network.inputs[0], network.output["logits"], name=network.name)


def without_training(network: keras.Model) -> keras.Model:
    """The same network, sharing all weights, as it is saved: logits only, and not compiled.

    Keras would save an optimizer as well, and warn when it loads one that has not trained.
    """
    network = without_auxiliary(network)
    return keras.Model(network.inputs[0], network.output, name=network.name)


def _stem(macro, kind, channels, images):
    """The inputs of the first cell."""
    if kind != "imagenet":
        outputs = macros.with_stem(macro, kind).stem(channels)(images)
        return outputs, outputs
    first = ImageNetStem(channels, first=True, name="stem_0")(images)
    return first, ImageNetStem(channels, first=False, name="stem_1")(first)
