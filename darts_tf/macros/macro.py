"""Macro networks: all of a network except the cells that are searched."""

import types
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Unnamed
from darts_tf.layers.stems import Classifier
from darts_tf.macros.search_settings import SearchSettings


class CellPlan(NamedTuple):
    """The place of a cell in a network.

    Attributes:
        channels: channels of the cell's states.
        reduction: whether it is a reduction cell.
        reduction_before: whether the cell before it is one.
    """

    channels: int
    reduction: bool = False
    reduction_before: bool = False


def is_plan(part) -> bool:
    """Whether a part of a network is the place of a cell."""
    return isinstance(part, CellPlan)


def first_inputs(stem, output) -> tuple:
    """What the first cell takes: the output of a stem twice, or that of one of two outputs.

    Args:
        stem: the layer; it has two outputs if its attribute `pair` is true.
        output: what it gives, tensors or their shapes.
    """
    return tuple(output) if getattr(stem, "pair", False) else (output, output)


def walk(parts: Iterable, first: tuple, inputs: int, run: Callable, is_cell: Callable = is_plan):
    """Goes from the stem to the head, part by part, and returns the last part's output.

    A cell takes the outputs of the two parts before it, or of the last one; a fixed layer takes the
    last one, and a cell behind it takes the layer's output twice.

    Args:
        parts: what stands between stem and head, in its order, see `Macro.parts`.
        first: what the first cell takes: what the stem gives, twice, or a stem of two.
        inputs: how many inputs a cell has, 1 or 2.
        run: `(part, taken) -> output`, of anything: tensors, shapes. `taken` is a list for a cell.
        is_cell: which parts are cells. Default: each `CellPlan`.
    """
    before, last = first
    for part in parts:
        if is_cell(part):
            before, last = last, run(part, [before, last][-inputs:])
        else:
            before = last = run(part, last)
    return last


class Layers(NamedTuple):
    """The layers of a network, as `Macro.walk` goes through them.

    Attributes:
        stem, head: the first and the last layer.
        between: what stands between them, in its order, see `Macro.parts`.
        inputs: how many inputs a cell has.
        is_cell: which of `between` are cells.
    """

    stem: keras.layers.Layer
    between: Iterable
    head: keras.layers.Layer
    inputs: int
    is_cell: Callable = is_plan


class Macro(Unnamed):
    """Base: the network around the cells, of a supernet and of a derived network alike.

    Attributes:
        name: what `Space.macro` refers to.
        search_size: channels and cells of a supernet when the user names none.
        network_size: the same of a derived network.
        auxiliary: whether a derived network can have an auxiliary head.
        stems: the names of the stems that its networks can have, see `darts_tf.macros.with_stem`;
            the first one, "cifar", is its own and keeps the image's size.
        stem_name: that of the one that it has.
        stem_width: channels of its own stem for each channel of the first cell.
        keeps_state: whether the states of cells that carry one go on from batch to batch. If not,
            every example begins with the initial ones.
        least_outputs: the smallest `num_classes` that makes sense.
        cell_arguments: further arguments of a supernet's cells.
        search_settings: what a search in this network is to be done with where that is not the
            same as for images; None where it is.
    """

    name: str
    search_size: tuple[int, int] = (16, 8)
    network_size: tuple[int, int] = (16, 8)
    auxiliary: bool = False
    stems: tuple[str, ...] = ("cifar",)
    stem_name: str = "cifar"
    stem_width: int = 1
    keeps_state: bool = True
    least_outputs: int = 1
    cell_arguments: Mapping = types.MappingProxyType({})
    search_settings: SearchSettings | None = None

    def signature(self, shape: tuple[int, ...]) -> tf.TensorSpec:
        """The specification of the inputs: `[batch, *shape]`, the batch None. Default: float32.

        Args:
            shape: of one example, `input_shape` of the supernet.
        """
        return tf.TensorSpec((None, *shape), tf.float32)

    def make_stem(self, channels: int, num_classes: int) -> keras.layers.Layer:
        """The layer before the first cell. Default: `stem`, whatever the number of classes.

        Where inputs are of the same classes as the outputs, such as words, it depends on them. This
        layer, fixed ones and the head may draw random numbers, as dropout does: one that has an
        attribute `draws` that is true takes `seed`, `[2]` int32, None for no draw.
        """
        return self.stem(channels)

    def stem(self, channels: int) -> keras.layers.Layer:
        """The layer before the first cell, which has states of `channels` channels."""
        raise NotImplementedError

    def parts(self, channels: int, cells: int) -> list[CellPlan | keras.layers.Layer]:
        """The cells and fixed layers between stem and head, in their order.

        Args:
            channels: of the first cell.
            cells: number of cells.

        Raises:
            UserError: no such network has so many cells.
        """
        raise NotImplementedError

    def make_head(self, num_classes: int, stem: keras.layers.Layer) -> keras.layers.Layer:
        """The layer behind the last cell. Default: `head`.

        Args:
            num_classes: number of logits.
            stem: what `make_stem` has made, whose variables the head may share.
        """
        return self.head(num_classes)

    def walk(self, layers: Layers, inputs, run: Callable):
        """Goes through a network; returns what the head gives.

        Default: what the stem gives stands for both of the cells before the first one, see
        `first_inputs`.

        Args:
            layers: of the network.
            inputs: tensors, shapes or whatever else `run` takes.
            run: `(layer, taken) -> output`. `taken` is a list for a cell.
        """
        first = first_inputs(layers.stem, run(layers.stem, inputs))
        last = walk(layers.between, first, layers.inputs, run, layers.is_cell)
        return run(layers.head, last)

    def head(self, num_classes: int, name: str | None = None) -> keras.layers.Layer:
        """From the last cell's output to float32 logits. Default: global mean, dense layer."""
        return Classifier(num_classes, name=name)


class Staged(Macro):
    """Stages of equal cells; between two of them a fixed layer reduces and doubles the channels.

    The cells' own edges never stride, so a space needs one cell type. This is the network of
    NAS-Bench-201, and with layers of your own that of any other space.

    Args:
        name: what `Space.macro` refers to.
        stem: `channels -> Layer`.
        reduction: `channels -> Layer`, which reduces its input and has `channels` channels.
        head: `num_classes -> Layer` from features to logits. Default: mean over all positions and
            a dense layer.
        stages: number of stages.
        channels: of the first stage when the user names none.
        cells: in all stages together when the user names none.
        stems: see `Macro`; with `macros.IMAGE_STEMS` images may have those stems too.

    Example:
        >>> macros.register(
        ...     Staged(
        ...         "sequences",
        ...         stem=lambda channels: keras.layers.Conv1D(channels, 3, padding="same"),
        ...         reduction=lambda channels: keras.layers.Conv1D(channels, 2, strides=2),
        ...     )
        ... )
    """

    def __init__(
        self,
        name: str,
        stem: Callable[[int], keras.layers.Layer],
        reduction: Callable[[int], keras.layers.Layer],
        head: Callable[[int], keras.layers.Layer] | None = None,
        stages: int = 3,
        channels: int = 16,
        cells: int = 3,
        stems: tuple[str, ...] = ("cifar",),
    ):
        self.name = name
        self.stages = stages
        self.stems = stems
        self.search_size = self.network_size = (channels, cells)
        self._stem = stem
        self._reduction = reduction
        self._head = head

    def stem(self, channels):
        return self._stem(channels)

    def parts(self, channels, cells):
        if cells < 1 or cells % self.stages:
            raise UserError(
                f"cells is {cells}; the macro network {self.name!r} has {self.stages} stages of "
                f"equal cells, so choose a multiple of {self.stages}"
            )
        layers = []
        for stage in range(self.stages):
            if stage:
                channels *= 2
                layers.append(self._reduction(channels))
            layers += [CellPlan(channels)] * (cells // self.stages)
        return layers

    def head(self, num_classes, name=None):
        return self._head(num_classes) if self._head else super().head(num_classes, name)
