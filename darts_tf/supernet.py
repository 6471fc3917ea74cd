"""The supernet: a network of relaxed cells."""

import keras
import tensorflow as tf

from darts_tf import macros, relaxations, spaces
from darts_tf.errors import UserError
from darts_tf.layers.batched_cell import BatchedMixedCell, from_plain, to_plain
from darts_tf.layers.cell import MixedCell
from darts_tf.layers.partial_cell import BatchedPartialCell, PartialMixedCell
from darts_tf.layers.sampled_cell import SampledCell

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
    ICLR 2019, section 3.1.1). All cells of a type share their architecture variables: alpha, a
    matrix `[edges, operations]`, and what else the relaxation asks for.

    There are two disjoint lists of variables. `weight_variables` is `trainable_variables`, what
    any Keras optimizer trains. `architecture_variables` are float32 under every dtype policy, are
    saved with the model, and are not trainable in Keras' sense: `fit` and every weight optimizer
    pass them by. `ArchitectureSearch` optimizes them. `temperature` is a variable too, so that it
    is in every checkpoint, and so are `skip_dropout`, `auxiliary_skip` and `fixed`; None, or empty,
    where there is none.

    Args:
        space: the name of a search space.
        input_shape: `(height, width, channels)` of an image, or what else the space's operations
            take.
        num_classes: number of logits.
        channels: channels of the states of the first cell; None for the macro network's own
            (DARTS: 16).
        cells: number of cells; None for the macro network's own (DARTS: 8).
        relaxation: the name of a relaxation.
        seed: of the initial architecture variables.
        batched: whether the edges that leave a state are computed together
            (`BatchedMixedCell`), or one by one (`MixedCell`): the same function, slower. Where the
            edges of a cell have different candidates, or the inputs are no images, it is a
            `MixedCell` in either case.
        edge_operations: cell type -> for every edge the names of its candidates, to search only
            among those; see `Space.restrict`. Default: the space's own.
        skip_dropout: whether there is dropout behind skip connections that are identities, as in
            P-DARTS. Its rate is the variable `skip_dropout`, 0 until a schedule changes it. Such
            cells are computed edge by edge.
        auxiliary_skip: whether every mixed operation also adds its input, or a factorized reduction
            of it where it halves the image, as in DARTS-. The factor is the variable
            `auxiliary_skip`, 0 until a schedule changes it. Such cells are computed edge by edge.
        decisions: whether edges can be decided one after the other. `fixed` then holds for every
            cell type a variable `[edges, operations]`: an entry that is not negative takes the
            place of that operation's weight, -1 (all entries at first) leaves it to the relaxation.

    Input shape: `[batch, height, width, channels]`. `call` also takes the seed, `[2]` int32, of a
        random relaxation's draw and of the dropout, without which there is neither; or the weights
        that its cells shall compute with, instead of the relaxation's. `mixed` says that cells
        which compute one operation an edge shall mix all of them.
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
        channels: int | None = None,
        cells: int | None = None,
        relaxation: str = "softmax",
        seed: int = 0,
        batched: bool = True,
        edge_operations=None,
        skip_dropout: bool = False,
        auxiliary_skip: bool = False,
        decisions: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
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
        self._make_architecture(seed)
        self._make_layers(macro)
        self.build((None, *input_shape))

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
        for name in ("channels", "num_classes"):
            if self._config[name] < 2:
                raise UserError(f"{name} must be at least 2, got {self._config[name]}")
        if self._config["skip_dropout"] and self.relaxation.cell != "mixed":
            raise UserError(
                "dropout behind skip connections needs cells that mix all operations; the "
                f"relaxation {self._config['relaxation']!r} has {self.relaxation.cell} ones"
            )
        if self._config["auxiliary_skip"] and self.relaxation.cell != "mixed":
            raise UserError(
                "an auxiliary skip connection needs cells that mix all operations; the relaxation "
                f"{self._config['relaxation']!r} has {self.relaxation.cell} ones"
            )

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
        self.skip_dropout = None
        if self._config["skip_dropout"]:
            self.skip_dropout = self._make_variable("skip_dropout", (), "zeros")
        self.auxiliary_skip = None
        if self._config["auxiliary_skip"]:
            self.auxiliary_skip = self._make_variable("auxiliary_skip", (), "zeros")
        self.fixed = {}
        if self._config["decisions"]:
            shape = (len(self.space.edges), len(self.space.operations))
            undecided = keras.initializers.Constant(-1.0)
            for cell_type in self.space.cell_types:
                self.fixed[cell_type] = self._make_variable(f"fixed_{cell_type}", shape, undecided)

    def _make_variable(self, name, shape, initializer) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def _make_layers(self, macro):
        channels = self._config["channels"]
        self.stem = macro.stem(channels)
        self._parts = []
        self.cells = []
        for part in macro.parts(channels, self._config["cells"]):
            if isinstance(part, macros.CellPlan):
                part = self._make_cell(**part._asdict(), name=f"cell_{len(self.cells)}")
                self.cells.append(part)
            self._parts.append(part)
        self.head = macro.head(self._config["num_classes"])

    def _make_cell(self, channels, reduction, **kwargs):
        plain, batched = _CELLS[self.relaxation.cell]
        kwargs.update(self.relaxation.cell_arguments)
        found = self.space.operations_on(self.space.cell_types[1 if reduction else 0])
        # The batched cells compute images, no dropout and no auxiliary skip connections.
        batches = self._config["batched"] and not self._config["skip_dropout"]
        if self._config["auxiliary_skip"]:
            batches, kwargs["auxiliary_skip"] = False, True
        batches = batches and len(self._config["input_shape"]) == 3
        if batches and set(found) == {self.space.operations}:
            return batched(self.space.name, channels, reduction, **kwargs)
        if self._config["edge_operations"] is not None:
            kwargs["edge_operations"] = found
        return plain(self.space.name, channels, reduction, **kwargs)

    def build(self, input_shape):
        self.stem.build(input_shape)
        before = last = self.stem.compute_output_shape(input_shape)
        for part in self._parts:
            if part in self.cells:
                inputs = [before, last][-self.space.inputs :]
                part.build(inputs)
                before, last = last, part.compute_output_shape(inputs)
            else:
                part.build(last)
                before = last = part.compute_output_shape(last)
        self.head.build(last)
        self.built = True

    def call(self, images, seed=None, weights=None, mixed=False):
        if weights is None:
            weights = self.cell_weights(seed)
        before = last = self.stem(images)
        for i, part in enumerate(self._parts):
            if part in self.cells:
                inputs = [before, last][-self.space.inputs :]
                options = self._cell_options(seed, i)
                if mixed and isinstance(part, SampledCell):
                    options["mixed"] = True
                before, last = last, part(inputs, weights[part.cell_type], **options)
            else:
                before = last = part(last)
        return self.head(last)

    def _cell_options(self, seed, number) -> dict:
        """What a cell takes besides its weights."""
        options = {}
        if self.auxiliary_skip is not None:
            options["auxiliary_skip"] = keras.ops.convert_to_tensor(self.auxiliary_skip)
        if self.skip_dropout is not None and seed is not None:
            # Behind the numbers that the draws of the cell types have.
            number += len(self.space.cell_types)
            own = tf.random.experimental.stateless_fold_in(seed, number)
            options["skip_dropout"] = (keras.ops.convert_to_tensor(self.skip_dropout), own)
        return options

    def cell_weights(self, seed=None) -> dict:
        """What the cells of every type compute with: cell type -> what the kind of cell takes.

        Args:
            seed: as for `call`; None for the weights without noise.
        """
        temperature = self.temperature
        if temperature is not None:
            temperature = keras.ops.convert_to_tensor(temperature)
        found = {}
        for i, cell_type in enumerate(self.space.cell_types):
            weights = self.relaxation.weights(
                self.space,
                cell_type,
                self._values(cell_type),
                temperature,
                None if seed is None else tf.random.experimental.stateless_fold_in(seed, i),
            )
            # A kind of cell with weights of its own takes a tuple that starts with these.
            first, *others = weights if isinstance(weights, tuple) else (weights,)
            first = self.with_fixed(cell_type, first)
            found[cell_type] = (first, *others) if others else first
        return found

    def fix(self, cell_type: str, edge: int, row) -> None:
        """Gives an edge the operation weights `row`, `[operations]`, from now on.

        Only for supernets that were made with `decisions`.
        """
        values = keras.ops.convert_to_numpy(self.fixed[cell_type]).copy()
        values[edge] = row
        self.fixed[cell_type].assign(values)

    def with_fixed(self, cell_type, weights):
        """Operation weights with the entries that are fixed."""
        if not self.fixed:
            return weights
        fixed = keras.ops.convert_to_tensor(self.fixed[cell_type])
        return tf.where(fixed >= 0, tf.cast(fixed, weights.dtype), weights)

    def _values(self, cell_type) -> dict:
        variables = self.architecture[cell_type]
        return {name: keras.ops.convert_to_tensor(v) for name, v in variables.items()}

    def operation_weights(self) -> dict:
        """How much each operation is favoured: cell type -> `[edges, operations]`, without noise.

        Where the relaxation mixes all operations these are the weights of the mixture.
        """
        return {
            cell_type: self.with_fixed(
                cell_type,
                self.relaxation.probabilities(self.space, cell_type, self._values(cell_type)),
            )
            for cell_type in self.space.cell_types
        }

    def drawn_weights(self, seed=None) -> dict:
        """The operation weights of one draw: cell type -> `[edges, operations]`.

        Args:
            seed: as for `call`; None for the weights without noise.
        """
        return {
            cell_type: weights[0] if isinstance(weights, tuple) else weights
            for cell_type, weights in self.cell_weights(seed).items()
        }

    def logits(self) -> tf.Tensor:
        """The logits of a categorical relaxation, `[cell types * edges, operations]`."""
        logits = [self.relaxation.logits(self.space, t, self._values(t)) for t in self.architecture]
        return tf.concat(logits, 0)

    def entropies(self) -> tf.Tensor:
        """The entropy of each cell type's operation weights, summed over its edges, in nats.

        `[cell types]`, differentiable in the architecture. Where an edge's weights do not sum to 1,
        it is that of their shares in the sum.
        """
        weights = tf.stack(list(self.operation_weights().values()))
        shares = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, -1, keepdims=True))
        return -tf.reduce_sum(tf.math.xlogy(shares, shares), [1, 2])

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

    def penalty(self):
        """What the relaxation adds to the loss, a float32 scalar."""
        terms = [
            self.relaxation.penalty(self.space, cell_type, self._values(cell_type))
            for cell_type in self.space.cell_types
        ]
        dtypes = [variable.dtype for variable in self.architecture_variables]
        zero = tf.zeros((), dtypes[0] if dtypes else "float32")
        return tf.add_n([zero, *(term for term in terms if term is not None)])

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """All layers in their order: stem, cells and what stands between them, head."""
        return [self.stem, *self._parts, self.head]

    @property
    def random(self) -> bool:
        """Whether a forward pass in training depends on the seed that it is given."""
        return self.relaxation.random or self.skip_dropout is not None

    @property
    def architecture_variables(self) -> list[keras.Variable]:
        """All architecture variables, in the order of the space's cell types."""
        return [v for variables in self.architecture.values() for v in variables.values()]

    @property
    def schedule_variables(self) -> list[keras.Variable]:
        """What schedules and decisions set; nothing trains them."""
        scalars = (self.temperature, self.skip_dropout, self.auxiliary_skip)
        return [*(v for v in scalars if v is not None), *self.fixed.values()]

    @property
    def weight_variables(self) -> list[keras.Variable]:
        """All that is trained by the weight optimizer; disjoint from the architecture."""
        return self.trainable_variables

    def get_config(self):
        return {**super().get_config(), **self._config}


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
    for mine, its in zip(
        supernet.architecture_variables, other.architecture_variables, strict=True
    ):
        its.assign(mine)
    for name in ("temperature", "skip_dropout", "auxiliary_skip"):
        if getattr(supernet, name) is not None:
            getattr(other, name).assign(getattr(supernet, name))
    for cell_type, fixed in supernet.fixed.items():
        other.fixed[cell_type].assign(fixed)
    return other
