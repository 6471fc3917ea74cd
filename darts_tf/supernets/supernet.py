"""The supernet: a network of relaxed cells."""

import keras
import tensorflow as tf

from darts_tf import macros, relaxations, spaces
from darts_tf.cells.batched_cell import BatchedMixedCell, from_plain, to_plain
from darts_tf.cells.cell import MixedCell
from darts_tf.cells.partial_cell import BatchedPartialCell, PartialMixedCell
from darts_tf.cells.sampled_cell import SampledCell
from darts_tf.common.errors import UserError
from darts_tf.layers.keras_settings import check_policy, inner_layers
from darts_tf.supernets.architecture import Architecture

# The kinds of relaxed cell that a relaxation can ask for: one that computes edge by edge, and one
# that computes the edges which leave a state together, or those operations only that count.
_CELLS = {
    "mixed": (MixedCell, BatchedMixedCell),
    "sampled": (MixedCell, SampledCell),
    "partial": (PartialMixedCell, BatchedPartialCell),
}


@keras.saving.register_keras_serializable("darts_tf")
class Supernet(keras.Model):
    """A network whose cells hold every candidate operation on every edge.

    Stem, relaxed cells, and a head, as the space's macro network says (`darts_tf.macros`). For the
    spaces of DARTS these are `cells` cells of which those at one and two thirds of the depth reduce
    the image and double the channels, global average pooling and a classifier (Liu, Simonyan, Yang,
    ICLR 2019, section 3.1.1).

    There are two disjoint lists of variables. `weight_variables` is `trainable_variables`, what
    any Keras optimizer trains. `architecture_variables`, which are not trainable in Keras' sense,
    are what `ArchitectureSearch` optimizes besides; `architecture` holds them and what belongs to
    them.

    Args:
        space: the name of a search space, or a `Space` of your own.
        input_shape: `(height, width, channels)` of an image, or what else the space's operations
            take.
        num_classes: number of logits.
        channels: channels of the states of the first cell; None for the macro network's own
            (DARTS: 16).
        cells: number of cells; None for the macro network's own (DARTS: 8).
        relaxation: the name of a relaxation, or a `Relaxation` of your own. A supernet can only be
            saved to a file if it is registered, see `darts_tf.relaxations.register`.
        seed: of the initial architecture variables.
        batched: whether the edges that leave a state are computed together
            (`BatchedMixedCell`), or one by one (`MixedCell`): the same function, slower. Where the
            edges of a cell have different candidates, or the inputs are no images, it is a
            `MixedCell` in either case.
        edge_operations: cell type -> for every edge the names of its candidates, to search only
            among those; see `Space.restrict`. Default: the space's own.
        skip_dropout: whether there is dropout behind skip connections that are identities, as in
            P-DARTS, of the rate `architecture.skip_dropout`. Such cells are computed edge by edge.
        auxiliary_skip: whether every mixed operation also adds its input, or a factorized reduction
            of it where it halves the image, as in DARTS-, times `architecture.auxiliary_skip`. Such
            cells are computed edge by edge.
        decisions: whether edges can be decided one after the other; see `Architecture`.

    Input shape: `[batch, height, width, channels]`. `call` also takes the seed, `[2]` int32, of a
        random relaxation's draw and of the dropout, without which there is neither; or the weights
        that its cells shall compute with, instead of the relaxation's. `mixed` says that cells
        which compute one operation an edge shall mix all of them.
    Output shape: `[batch, num_classes]`, float32 logits.

    Raises:
        UserError: an argument is out of its range, or the dtype policy keeps weights in 16 bits.

    Example:
        >>> supernet = Supernet("darts_cnn", (32, 32, 3), num_classes=10)
        >>> sum(v.numpy().size for v in supernet.weight_variables)
        1930618
    """

    _architecture_dtype = "float32"

    def __init__(
        self,
        space: str | spaces.Space,
        input_shape: tuple[int, int, int],
        num_classes: int,
        channels: int | None = None,
        cells: int | None = None,
        relaxation: str | relaxations.Relaxation = "softmax",
        seed: int = 0,
        batched: bool = True,
        edge_operations=None,
        skip_dropout: bool = False,
        auxiliary_skip: bool = False,
        decisions: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_policy(self.dtype_policy)
        self.space = spaces.get(space)
        macro = macros.get(self.space.macro)
        self._config = {
            "space": space,
            "input_shape": tuple(input_shape),
            "num_classes": num_classes,
            "channels": macro.search_size[0] if channels is None else channels,
            "cells": macro.search_size[1] if cells is None else cells,
            "relaxation": relaxation,
            "seed": seed,
            "batched": batched,
            "edge_operations": edge_operations,
            "skip_dropout": skip_dropout,
            "auxiliary_skip": auxiliary_skip,
            "decisions": decisions,
        }
        if edge_operations is not None:
            self.space = self.space.restrict(edge_operations)
        self.relaxation = relaxations.get(relaxation)
        self._check()
        self.architecture = Architecture(
            self.space,
            self.relaxation,
            seed,
            skip_dropout=skip_dropout,
            auxiliary_skip=auxiliary_skip,
            decisions=decisions,
            dtype=self._architecture_dtype,
            name="architecture",
        )
        with inner_layers(self.dtype_policy):
            self._make_layers(macro)
        self.build((None, *input_shape))

    def _check(self):
        spaces.check_kind(self.space, "convolutional", "a supernet for images")
        if not self.space.searchable:
            raise UserError(
                f"the space {self.space.name!r} holds cells that were found elsewhere; it has no "
                f"supernet. Spaces to search: {', '.join(spaces.names(searchable_only=True))}"
            )
        if self.space.inputs not in (1, 2):
            raise UserError(
                f"the space {self.space.name!r} has cells with {self.space.inputs} inputs; "
                "a network has 1 (the cell before) or 2 (the two cells before)"
            )
        for name in ("channels", "num_classes"):
            if self._config[name] < 2:
                raise UserError(f"{name} must be at least 2, got {self._config[name]}")
        for option, what in (
            ("skip_dropout", "dropout behind skip connections"),
            ("auxiliary_skip", "an auxiliary skip connection"),
        ):
            if self._config[option] and self.relaxation.cell != "mixed":
                raise UserError(
                    f"{what} needs cells that mix all operations; the relaxation "
                    f"{relaxations.label(self.relaxation)!r} has {self.relaxation.cell} ones"
                )

    def _make_layers(self, macro):
        channels = self._config["channels"]
        self.stem = macro.stem(channels)
        self._parts = []
        self.cells = []
        for part in macro.parts(channels, self._config["cells"]):
            if macros.is_plan(part):
                part = self._make_cell(**part._asdict(), name=f"cell_{len(self.cells)}")
                self.cells.append(part)
            self._parts.append(part)
        self.head = macro.head(self._config["num_classes"])

    def _make_cell(self, channels, reduction, **kwargs):
        plain, batched = _CELLS[self.relaxation.cell]
        kwargs.update(self.relaxation.cell_arguments)
        found = self.space.operations_on(self.space.cell_type_of(reduction))
        # The batched cells compute images, no dropout and no auxiliary skip connections.
        batches = self._config["batched"] and not self._config["skip_dropout"]
        if self._config["auxiliary_skip"]:
            batches, kwargs["auxiliary_skip"] = False, True
        batches = batches and len(self._config["input_shape"]) == 3
        if batches and set(found) == {self.space.operations}:
            return batched(self.space, channels, reduction, **kwargs)
        return plain(self.space, channels, reduction, **kwargs)

    # Keras wants these names here and below: an argument of `call`, then `_shape`.
    def build(self, images_shape):
        def build(part, shape):
            part.build(shape)
            return None if part is self.head else part.compute_output_shape(shape)

        self._walk(images_shape, build)
        self.built = True

    def build_from_config(self, config):
        """Nothing: a supernet is built when it is made."""

    def compute_output_shape(self, images_shape, seed_shape=None, weights_shape=None):
        return self._walk(images_shape, lambda part, shape: part.compute_output_shape(shape))

    def _walk(self, images, run):
        """What the head gives for images, or their shape; see `macros.walk`."""
        first = run(self.stem, images)
        inputs, is_cell = self.space.inputs, self.cells.__contains__
        return run(self.head, macros.walk(self._parts, (first, first), inputs, run, is_cell))

    def call(self, images, seed=None, weights=None, mixed=False):
        if weights is None:
            weights = self.architecture.cell_weights(seed)

        def run(part, inputs):
            if part not in self.cells:
                return part(inputs)
            options = self._cell_options(seed, self._parts.index(part))
            if mixed and isinstance(part, SampledCell):
                options["mixed"] = True
            return part(inputs, weights[part.cell_type], **options)

        return self._walk(images, run)

    def _cell_options(self, seed, number) -> dict:
        """What a cell takes besides its weights."""
        options, architecture = {}, self.architecture
        if architecture.auxiliary_skip is not None:
            options["auxiliary_skip"] = keras.ops.convert_to_tensor(architecture.auxiliary_skip)
        if architecture.skip_dropout is not None and seed is not None:
            # Behind the numbers that the draws of the cell types have.
            number += len(self.space.cell_types)
            own = tf.random.experimental.stateless_fold_in(seed, number)
            options["skip_dropout"] = (keras.ops.convert_to_tensor(architecture.skip_dropout), own)
        return options

    def operation_weights(self) -> dict:
        """See `Architecture.operation_weights`."""
        return self.architecture.operation_weights()

    def chosen_weights(self, weights) -> list:
        """For each of `weight_variables` which entries a draw trains: a boolean mask, None for all.

        Args:
            weights: cell type -> operation weights `[edges, operations]`, one-hot.
        """
        masks = {
            id(variable): mask
            for cell in self.cells
            if isinstance(cell, SampledCell)
            for variable, mask in cell.chosen_weights(weights[cell.cell_type])
        }
        return [masks.get(id(variable)) for variable in self.weight_variables]

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """All layers in their order: stem, cells and what stands between them, head."""
        return [self.stem, *self._parts, self.head]

    @property
    def architecture_variables(self) -> list[keras.Variable]:
        """What the architecture optimizer trains, in the order of the space's cell types."""
        return self.architecture.searched_variables

    @property
    def weight_variables(self) -> list[keras.Variable]:
        """All that is trained by the weight optimizer; disjoint from the architecture."""
        return self.trainable_variables

    def get_config(self):
        config = {**super().get_config(), **self._config}
        config["space"] = spaces.serialize(config["space"])
        config["relaxation"] = relaxations.serialize(config["relaxation"])
        return config


def convert(supernet: Supernet, batched: bool, **changes) -> Supernet:
    """A copy of a supernet, with its weights, whose cells are batched or plain ones.

    Args:
        supernet: the supernet.
        batched: as for `Supernet`.
        **changes: other arguments of `Supernet` for the copy that add variables, `decisions`.
    """
    other = Supernet.from_config({**supernet.get_config(), "batched": batched, **changes})
    for mine, its in zip(supernet.parts, other.parts, strict=True):
        if type(mine) is type(its):
            its.set_weights(mine.get_weights())
        else:
            (from_plain if batched else to_plain)(mine, its)
    other.architecture.assign(supernet.architecture)
    return other
