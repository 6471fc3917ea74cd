"""The supernet: a network of relaxed cells."""

import keras
import tensorflow as tf

from darts_tf import relaxations, spaces
from darts_tf.errors import UserError
from darts_tf.layers.batched_cell import BatchedMixedCell, from_plain, to_plain
from darts_tf.layers.cell import MixedCell
from darts_tf.layers.convolutions import initializer
from darts_tf.layers.stems import Stem

# The kinds of relaxed cell that a relaxation can ask for: one that computes edge by edge, and one
# that computes the edges which leave a state together.
_CELLS = {"mixed": (MixedCell, BatchedMixedCell)}


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
    2019, section 3.1.1). All cells of a type share their architecture variables: alpha, a matrix
    `[edges, operations]`, and what else the relaxation asks for.

    There are two disjoint lists of variables. `weight_variables` is `trainable_variables`, what
    any Keras optimizer trains. `architecture_variables` are float32 under every dtype policy, are
    saved with the model, and are not trainable in Keras' sense: `fit` and every weight optimizer
    pass them by. `ArchitectureSearch` optimizes them. `temperature` is a variable too, so that it
    is in every checkpoint; None where the relaxation has none.

    Args:
        space: the name of a search space.
        input_shape: `(height, width, channels)` of an image.
        num_classes: number of logits.
        channels: channels of the states of the first cell.
        cells: number of cells.
        stem_multiplier: channels of the stem, in units of `channels`.
        relaxation: the name of a relaxation.
        seed: of the initial architecture variables.
        batched: whether the edges that leave a state are computed together
            (`BatchedMixedCell`), or one by one (`MixedCell`): the same function, slower. Where the
            edges of a cell have different candidates it is a `MixedCell` in either case.
        edge_operations: cell type -> for every edge the names of its candidates, to search only
            among those; see `Space.restrict`. Default: the space's own.

    Input shape: `[batch, height, width, channels]`. `call` also takes the seed of a random
        relaxation's draw, `[2]` int32; without one there is no noise.
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
        edge_operations=None,
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
            "edge_operations": edge_operations,
        }
        self.space = spaces.get(space)
        if edge_operations is not None:
            self.space = self.space.restrict(edge_operations)
        if not self.space.searchable:
            raise UserError(
                f"the space {space!r} holds cells that were found elsewhere; it has no supernet. "
                f"Spaces to search: {', '.join(spaces.names(searchable_only=True))}"
            )
        for name in ("channels", "num_classes"):
            if self._config[name] < 2:
                raise UserError(f"{name} must be at least 2, got {self._config[name]}")
        self.relaxation = relaxations.get(relaxation)
        self._make_architecture(seed)
        self._make_layers(channels, cells, stem_multiplier, num_classes)
        self.build((None, *input_shape))

    def _make_architecture(self, seed):
        self.architecture = {cell_type: {} for cell_type in self.space.cell_types}
        for cell_type, variables in self.architecture.items():
            for name, start in self.relaxation.variables(self.space).items():
                seed_of_this = seed + 7919 * len(self.architecture_variables)
                variables[name] = self._make_variable(
                    f"{name}_{cell_type}",
                    start.shape,
                    keras.initializers.RandomNormal(start.mean, start.stddev, seed=seed_of_this),
                )
        self.temperature = None
        if self.relaxation.temperature is not None:
            initializer = keras.initializers.Constant(self.relaxation.temperature)
            self.temperature = self._make_variable("temperature", (), initializer)

    def _make_variable(self, name, shape, initializer) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def _make_layers(self, channels, cells, stem_multiplier, num_classes):
        reductions = reduction_cells(cells)
        self.stem = Stem(stem_multiplier * channels)
        self.cells = []
        for i in range(cells):
            channels *= 2 if i in reductions else 1
            self.cells.append(
                self._make_cell(
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

    def _make_cell(self, channels, reduction, **kwargs):
        plain, batched = _CELLS[self.relaxation.cell]
        found = self.space.operations_on(self.space.cell_types[1 if reduction else 0])
        if self._config["batched"] and set(found) == {self.space.operations}:
            return batched(self.space.name, channels, reduction, **kwargs)
        if self._config["edge_operations"] is not None:
            kwargs["edge_operations"] = found
        return plain(self.space.name, channels, reduction, **kwargs)

    def build(self, input_shape):
        self.stem.build(input_shape)
        before = last = self.stem.compute_output_shape(input_shape)
        for cell in self.cells:
            cell.build([before, last])
            before, last = last, cell.compute_output_shape([before, last])
        self.classifier.build((None, last[-1]))
        self.built = True

    def call(self, images, seed=None):
        weights = self._cell_weights(seed)
        before = last = self.stem(images)
        for cell in self.cells:
            before, last = last, cell([before, last], weights[cell.cell_type])
        return self.classifier(self.pool(last))

    def _cell_weights(self, seed) -> dict:
        """What the cells of every type compute with."""
        temperature = self.temperature
        if temperature is not None:
            temperature = keras.ops.convert_to_tensor(temperature)
        return {
            cell_type: self.relaxation.weights(
                self.space,
                cell_type,
                self._values(cell_type),
                temperature,
                None if seed is None else tf.random.experimental.stateless_fold_in(seed, i),
            )
            for i, cell_type in enumerate(self.space.cell_types)
        }

    def _values(self, cell_type) -> dict:
        variables = self.architecture[cell_type]
        return {name: keras.ops.convert_to_tensor(v) for name, v in variables.items()}

    def operation_weights(self) -> dict:
        """How much each operation is favoured: cell type -> `[edges, operations]`, without noise.

        Where the relaxation mixes all operations these are the weights of the mixture.
        """
        return {
            cell_type: self.relaxation.probabilities(self.space, cell_type, self._values(cell_type))
            for cell_type in self.space.cell_types
        }

    def penalty(self):
        """What the relaxation adds to the loss, a float32 scalar."""
        terms = [
            self.relaxation.penalty(self.space, cell_type, self._values(cell_type))
            for cell_type in self.space.cell_types
        ]
        return tf.add_n([tf.zeros(()), *(term for term in terms if term is not None)])

    @property
    def architecture_variables(self) -> list[keras.Variable]:
        """All architecture variables, in the order of the space's cell types."""
        return [v for variables in self.architecture.values() for v in variables.values()]

    @property
    def weight_variables(self) -> list[keras.Variable]:
        """All that is trained by the weight optimizer; disjoint from the architecture."""
        return self.trainable_variables

    def get_config(self):
        return {**super().get_config(), **self._config}


def convert(supernet: Supernet, batched: bool) -> Supernet:
    """A copy of a supernet, with its weights, whose cells are batched or plain ones."""
    other = Supernet.from_config({**supernet.get_config(), "batched": batched})
    for name in ("stem", "classifier"):
        getattr(other, name).set_weights(getattr(supernet, name).get_weights())
    for mine, its in zip(supernet.cells, other.cells, strict=True):
        if type(mine) is type(its):
            its.set_weights(mine.get_weights())
        else:
            (from_plain if batched else to_plain)(mine, its)
    for mine, its in zip(
        supernet.architecture_variables, other.architecture_variables, strict=True
    ):
        its.assign(mine)
    if supernet.temperature is not None:
        other.temperature.assign(supernet.temperature)
    return other
