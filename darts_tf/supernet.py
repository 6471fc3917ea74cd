"""The supernet: a network of relaxed cells."""

import keras

from darts_tf import relaxations, spaces
from darts_tf.errors import UserError
from darts_tf.layers.batched_cell import BatchedMixedCell, from_plain, to_plain
from darts_tf.layers.cell import MixedCell
from darts_tf.layers.convolutions import initializer
from darts_tf.layers.stems import Stem


def reduction_cells(cells: int) -> tuple[int, ...]:
    """Positions of the reduction cells: one third and two thirds of the depth.

    Raises:
        UserError: there are fewer than 3 cells.
    """
    if cells < 3:
        raise UserError(f"cells must be at least 3 (two of them reduce), got {cells}")
    return cells // 3, 2 * cells // 3


@keras.saving.register_keras_serializable("darts_tf")
class Supernet(keras.Model):
    """A network whose cells hold every candidate operation on every edge.

    Stem, `cells` relaxed cells of which those at one and two thirds of the depth reduce the image
    and double the channels, global average pooling and a classifier (Liu, Simonyan, Yang, ICLR
    2019, section 3.1.1). All cells of a type share one matrix alpha of architecture variables.

    There are two disjoint lists of variables. `weight_variables` is `trainable_variables`, what
    any Keras optimizer trains. `architecture_variables` are float32 under every dtype policy, are
    saved with the model, and are not trainable in Keras' sense: `fit` and every weight optimizer
    pass them by. `ArchitectureSearch` optimizes them.

    Args:
        space: the name of a search space.
        input_shape: `(height, width, channels)` of an image.
        num_classes: number of logits.
        channels: channels of the states of the first cell.
        cells: number of cells.
        stem_multiplier: channels of the stem, in units of `channels`.
        relaxation: the name of a relaxation.
        seed: of the initial architecture variables, 1e-3 * N(0, 1).
        batched: whether the edges that leave a state are computed together
            (`BatchedMixedCell`), or one by one (`MixedCell`): the same function, slower.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, num_classes]`, float32 logits.

    Raises:
        UserError: an argument is out of its range.

    Example:
        >>> supernet = Supernet("darts_cnn", (32, 32, 3), num_classes=10)
        >>> sum(v.numpy().size for v in supernet.weight_variables)
        1930618
    """

    def __init__(
        self,
        space: str,
        input_shape: tuple[int, int, int],
        num_classes: int,
        channels: int = 16,
        cells: int = 8,
        stem_multiplier: int = 3,
        relaxation: str = "softmax",
        seed: int = 0,
        batched: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._config = {
            "space": space,
            "input_shape": tuple(input_shape),
            "num_classes": num_classes,
            "channels": channels,
            "cells": cells,
            "stem_multiplier": stem_multiplier,
            "relaxation": relaxation,
            "seed": seed,
            "batched": batched,
        }
        self.space = spaces.get(space)
        if not self.space.searchable:
            raise UserError(
                f"the space {space!r} holds cells that were found elsewhere; it has no supernet. "
                f"Spaces to search: {', '.join(spaces.names(searchable_only=True))}"
            )
        for name in ("channels", "num_classes"):
            if self._config[name] < 2:
                raise UserError(f"{name} must be at least 2, got {self._config[name]}")
        self._relax = relaxations.get(relaxation)
        self._make_architecture(seed)
        self._make_layers(channels, cells, stem_multiplier, num_classes)
        self.build((None, *input_shape))

    def _make_architecture(self, seed):
        shape = (len(self.space.edges), len(self.space.operations))
        self.architecture = {
            cell_type: self.add_weight(
                name=f"alpha_{cell_type}",
                shape=shape,
                initializer=keras.initializers.RandomNormal(0, 1e-3, seed=seed + 7919 * i),
                trainable=False,
                dtype="float32",
                autocast=False,
            )
            for i, cell_type in enumerate(self.space.cell_types)
        }

    def _make_layers(self, channels, cells, stem_multiplier, num_classes):
        reductions = reduction_cells(cells)
        self.stem = Stem(stem_multiplier * channels)
        self.cells = []
        cell = BatchedMixedCell if self._config["batched"] else MixedCell
        for i in range(cells):
            channels *= 2 if i in reductions else 1
            self.cells.append(
                cell(
                    self.space.name,
                    channels,
                    reduction=i in reductions,
                    reduction_before=i - 1 in reductions,
                    name=f"cell_{i}",
                )
            )
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.classifier = keras.layers.Dense(
            num_classes, kernel_initializer=initializer(), dtype="float32"
        )

    def build(self, input_shape):
        self.stem.build(input_shape)
        before = last = self.stem.compute_output_shape(input_shape)
        for cell in self.cells:
            cell.build([before, last])
            before, last = last, cell.compute_output_shape([before, last])
        self.classifier.build((None, last[-1]))
        self.built = True

    def call(self, images):
        weights = self.operation_weights()
        before = last = self.stem(images)
        for cell in self.cells:
            cell_type = "reduce" if cell.reduction else "normal"
            before, last = last, cell([before, last], weights[cell_type])
        return self.classifier(self.pool(last))

    def operation_weights(self) -> dict:
        """The weights of all operations: cell type -> `[edges, operations]`."""
        return {
            cell_type: self._relax(keras.ops.convert_to_tensor(alpha))
            for cell_type, alpha in self.architecture.items()
        }

    @property
    def architecture_variables(self) -> list[keras.Variable]:
        """The alphas, in the order of the space's cell types."""
        return [self.architecture[cell_type] for cell_type in self.space.cell_types]

    @property
    def weight_variables(self) -> list[keras.Variable]:
        """All that is trained by the weight optimizer; disjoint from the alphas."""
        return self.trainable_variables

    def get_config(self):
        return {**super().get_config(), **self._config}


def convert(supernet: Supernet, batched: bool) -> Supernet:
    """A copy of a supernet, with its weights, whose cells are batched or plain ones."""
    other = Supernet.from_config({**supernet.get_config(), "batched": batched})
    for name in ("stem", "classifier"):
        getattr(other, name).set_weights(getattr(supernet, name).get_weights())
    for mine, its in zip(supernet.cells, other.cells, strict=True):
        if supernet.get_config()["batched"] == batched:
            its.set_weights(mine.get_weights())
        else:
            (from_plain if batched else to_plain)(mine, its)
    for mine, its in zip(supernet.architecture.values(), other.architecture.values(), strict=True):
        its.assign(mine)
    return other
