"""The supernet: a network of relaxed cells."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from darts_tf import macros, relaxations, spaces
from darts_tf.cells import kinds
from darts_tf.common.errors import UserError
from darts_tf.common.variable_names import short_variable_names
from darts_tf.layers.keras_settings import check_policy, inner_layers
from darts_tf.supernets import part_options
from darts_tf.supernets.architecture import Architecture


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
        controls: the names of more controls that its cells shall have, see `RelaxedCell`; those
            above are two of them.
        macro: the network around the cells; None for the space's own.

    Input shape: `[batch, height, width, channels]`, or what else the macro network takes, see
        `signature`.
    Output shape: `[batch, num_classes]`, float32 logits, of a sequence `[batch, time,
        num_classes]`; a pair of them and the state afterwards where cells carry a state from batch
        to batch.

    Call arguments:
        images: the inputs.
        seed: `[2]` int32, of a random relaxation's draw and of the dropout; neither without it.
        weights: what its cells shall compute with, instead of the relaxation's weights.
        mixed: whether cells which compute one operation an edge shall mix all of them.
        state: of `initial_state`, or as the call before returned it; None for the initial one.
        features: whether to return the mean of what the head is given, `[batch, channels]`.

    Raises:
        UserError: an argument is out of its range, or the dtype policy keeps weights in 16 bits.

    Example:
        >>> supernet = Supernet("darts_cnn", (32, 32, 3), num_classes=10)
        >>> sum(v.numpy().size for v in supernet.weight_variables)
        1930618
    """

    _architecture_dtype = "float32"

    @short_variable_names()
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
        controls: Sequence[str] = (),
        macro: str | macros.Macro | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_policy(self.dtype_policy)
        self.space = spaces.get(space)
        self.macro = macros.get(self.space.macro if macro is None else macro)
        of_cells = {"skip_dropout": skip_dropout, "auxiliary_skip": auxiliary_skip}
        self._asked = {*controls, *(name for name, asked in of_cells.items() if asked)}
        self._config = {
            "space": space,
            "input_shape": tuple(input_shape),
            "num_classes": num_classes,
            "channels": self.macro.search_size[0] if channels is None else channels,
            "cells": self.macro.search_size[1] if cells is None else cells,
            "relaxation": relaxation,
            "seed": seed,
            "batched": batched,
            "edge_operations": edge_operations,
            **{name: name in self._asked for name in of_cells},
            "decisions": decisions,
            **({} if macro is None else {"macro": macro}),
        }
        if others := sorted(self._asked - set(of_cells)):
            self._config["controls"] = others
        if edge_operations is not None:
            self.space = self.space.restrict(edge_operations)
        self.relaxation = relaxations.get(relaxation)
        self._check()
        self._kind = kinds.get(self.space, self.relaxation.cell)
        self._check_controls()
        self.architecture = Architecture(
            self.space,
            self.relaxation,
            seed,
            controls=[c for c in self._kind.controls if c.name in self._asked],
            decisions=decisions,
            dtype=self._architecture_dtype,
            name="architecture",
        )
        with inner_layers(self.dtype_policy):
            self._make_layers(self.macro)
        self.build(self.signature.shape)

    def _check(self):
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
        for name, least in (("channels", 2), ("num_classes", self.macro.least_outputs)):
            if self._config[name] < least:
                raise UserError(f"{name} must be at least {least}, got {self._config[name]}")

    def _check_controls(self):
        known = [control.name for control in self._kind.controls]
        for name in sorted(self._asked - set(known)):
            raise UserError(
                f"the relaxation {relaxations.label(self.relaxation)!r} has {self.relaxation.cell} "
                f"cells, which have no {name}; their controls are: {', '.join(known) or 'none'}"
            )

    def _make_layers(self, macro):
        channels = self._config["channels"]
        self.stem = macro.make_stem(channels, self._config["num_classes"])
        self._parts = []
        self.cells = []
        for part in macro.parts(channels, self._config["cells"]):
            if macros.is_plan(part):
                part = self._make_cell(**part._asdict(), name=f"cell_{len(self.cells)}")
                self.cells.append(part)
            self._parts.append(part)
        self.head = macro.make_head(self._config["num_classes"], self.stem)

    def _make_cell(self, channels, reduction, **kwargs):
        kind = self._kind.choose(
            self.space,
            self.space.cell_type_of(reduction),
            self._config["input_shape"],
            self._asked,
            together=self._config["batched"],
        )
        kwargs |= {**self.macro.cell_arguments, **self.relaxation.cell_arguments}
        return kind(self.space, channels, reduction, **(kwargs | kind.arguments(self._asked)))

    # Keras wants these names here and below: an argument of `call`, then `_shape`.
    def build(self, images_shape):
        def build(part, shape):
            part.build(shape)
            return None if part is self.head else part.compute_output_shape(shape)

        self.walk(images_shape, build)
        self.built = True

    def build_from_config(self, config):
        """Nothing: a supernet is built when it is made."""

    def compute_output_shape(
        self, images_shape, seed_shape=None, weights_shape=None, state_shape=None
    ):
        return self.walk(images_shape, lambda part, shape: part.compute_output_shape(shape))

    def walk(self, inputs, run):
        """The output of the head for inputs, or for their shape; see `Macro.walk`."""
        layers = self.stem, self._parts, self.head, self.space.inputs, self.cells.__contains__
        return self.macro.walk(macros.Layers(*layers), inputs, run)

    def call(self, images, seed=None, weights=None, mixed=False, state=None, features=False):
        if weights is None:
            weights = self.architecture.cell_weights(seed)
        after = []

        def run(part, inputs):
            options = part_options.options_of(self, part, seed)
            if features and part is self.head:
                return keras.ops.mean(inputs, axis=tuple(range(1, len(inputs.shape) - 1)))
            if part not in self.cells:
                return part(inputs, **options)
            if mixed and part.samples:
                options["mixed"] = True
            if not part.carries_state:
                return part(inputs, weights[part.cell_type], **options)
            before = None if state is None else state[len(after)]
            outputs, new = part(inputs, weights[part.cell_type], state=before, **options)
            after.append(new)
            return outputs

        outputs = self.walk(images, run)
        return (outputs, tuple(after)) if self.carries_state else outputs

    def draws(self, level: str) -> bool:
        """Whether a pass in training depends on its seed, in a step of a level of the search."""
        of_relaxation = self.relaxation.draws.of(level)
        of_controls = any(control.draws for control in self.architecture.declared)
        return of_relaxation or of_controls or any(map(part_options.draws, self.parts))

    @property
    def signature(self) -> tf.TensorSpec:
        """The specification of the inputs, `[batch, *input_shape]`, the batch None."""
        return self.macro.signature(self._config["input_shape"])

    @property
    def edges_learn(self) -> bool:
        """Whether operations have weights of their own, see `RelaxedCell`."""
        return all(cell.edges_learn for cell in self.cells)

    @property
    def carries_state(self) -> bool:
        """Whether `call` takes a state, and returns a pair of logits and the state afterwards."""
        return self.macro.keeps_state and any(cell.carries_state for cell in self.cells)

    def initial_state(self, batch_size: int) -> tuple | None:
        """The state before the first batch: one structure of tensors for each cell that has one.

        None for a supernet without.
        """
        if not self.carries_state:
            return None
        return tuple(c.initial_state(batch_size) for c in self.cells if c.carries_state)

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
            for variable, mask in cell.chosen_weights(weights[cell.cell_type])
        }
        return [masks.get(id(variable)) for variable in self.weight_variables]

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """All layers in their order: stem, cells and what stands between them, head."""
        return [self.stem, *self._parts, self.head]

    @property
    def architecture_variables(self) -> list[keras.Variable]:
        """The variables of the architecture optimizer, in the order of the space's cell types."""
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
