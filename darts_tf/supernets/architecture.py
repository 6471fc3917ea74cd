"""The architecture of a supernet: the variables that are searched, and what they stand for."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.common.controls import Control
from darts_tf.relaxations import Relaxation
from darts_tf.spaces import Space


class Architecture(keras.layers.Layer):
    """The architecture variables of every cell type, and their operation weights.

    All cells of a type share their variables, `parameters[cell_type]`: `alpha`, a matrix `[edges,
    operations]`, and what else the relaxation asks for. Like what schedules set (`controls`,
    `fixed`) they have this layer's own type, float32 in a supernet of any dtype policy, are saved
    with the model, and are not trainable in Keras' sense: `fit` and every weight optimizer pass
    them by.

    Args:
        space: the search space.
        relaxation: how the variables become operation weights.
        seed: of the initial values.
        controls: of the cells. For each of them and of the relaxation's there is a scalar variable
            in `controls`, by its name.
        decisions: whether edges can be decided one after the other. `fixed` then holds for every
            cell type a variable `[edges, operations]`: an entry that is not negative takes the
            place of that operation's weight, -1 (all entries at first) leaves it to the relaxation.
    """

    def __init__(
        self,
        space: Space,
        relaxation: Relaxation,
        seed: int = 0,
        controls: Sequence[Control] = (),
        decisions: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.space = space
        self.relaxation = relaxation
        self.parameters = {cell_type: {} for cell_type in space.cell_types}
        for cell_type, variables in self.parameters.items():
            for name, start in relaxation.variables(space).items():
                own_seed = seeds.of_variable(seed, len(self.searched_variables))
                initializer = keras.initializers.RandomNormal(start.mean, start.stddev, own_seed)
                variables[name] = self._variable(f"{name}_{cell_type}", start.shape, initializer)
        self._declared = {c.name: c for c in (*relaxation.controls, *controls)}
        self.controls = {
            name: self._variable(name, (), keras.initializers.Constant(control.start))
            for name, control in self._declared.items()
        }
        self.fixed = {}
        if decisions:
            shape = (len(space.edges), len(space.operations))
            undecided = keras.initializers.Constant(-1.0)
            for cell_type in space.cell_types:
                self.fixed[cell_type] = self._variable(f"fixed_{cell_type}", shape, undecided)
        self.built = True

    def _variable(self, name, shape, initializer) -> keras.Variable:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, trainable=False, autocast=False
        )

    @property
    def searched_variables(self) -> list[keras.Variable]:
        """The variables of the architecture optimizer, in the order of the space's cell types."""
        return [v for variables in self.parameters.values() for v in variables.values()]

    @property
    def schedule_variables(self) -> list[keras.Variable]:
        """The variables that schedules and decisions set; nothing trains them."""
        return [*self.controls.values(), *self.fixed.values()]

    @property
    def temperature(self) -> keras.Variable | None:
        """The relaxation's temperature; None if it has none."""
        return self.controls.get("temperature")

    @property
    def skip_dropout(self) -> keras.Variable | None:
        """The rate of the dropout behind skip connections; None if there is none."""
        return self.controls.get("skip_dropout")

    @property
    def auxiliary_skip(self) -> keras.Variable | None:
        """The factor of the auxiliary skip connections; None if there are none."""
        return self.controls.get("auxiliary_skip")

    def set_control(self, name: str, value: float) -> None:
        """Gives a control a value.

        Raises:
            UserError: the value has no meaning for it.
        """
        self.controls[name].assign(self._declared[name].check(value))

    @property
    def declared(self) -> tuple[Control, ...]:
        """The declarations of the controls."""
        return tuple(self._declared.values())

    def assign(self, other: "Architecture") -> None:
        """Takes over the values of another architecture, as far as that has them."""
        for mine, its in zip(self.searched_variables, other.searched_variables, strict=True):
            mine.assign(its)
        for name, variable in other.controls.items():
            self.controls[name].assign(variable)
        for cell_type, fixed in other.fixed.items():
            self.fixed[cell_type].assign(fixed)

    def cell_weights(self, seed=None) -> dict:
        """The weights that cells compute with: cell type -> what the kind of cell takes.

        Args:
            seed: `[2]` int32, of a random relaxation's draw; None for the weights without noise.
        """
        controls = {
            control.name: keras.ops.convert_to_tensor(self.controls[control.name])
            for control in self.relaxation.controls
        }
        temperature = controls.pop("temperature", None)
        found = {}
        for i, cell_type in enumerate(self.space.cell_types):
            weights = self.relaxation.weights(
                self.space,
                cell_type,
                self._values(cell_type),
                temperature,
                None if seed is None else seeds.of_part(seed, i),
                **controls,
            )
            # A kind of cell with weights of its own takes a tuple that starts with these.
            first, *others = weights if isinstance(weights, tuple) else (weights,)
            first = self.with_fixed(cell_type, first)
            found[cell_type] = (first, *others) if others else first
        return found

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
            seed: as for `cell_weights`.
        """
        return {
            cell_type: weights[0] if isinstance(weights, tuple) else weights
            for cell_type, weights in self.cell_weights(seed).items()
        }

    def fix(self, cell_type: str, edge: int, row) -> None:
        """Gives an edge the operation weights `row`, `[operations]`, from now on.

        Only where there are `decisions`.
        """
        values = keras.ops.convert_to_numpy(self.fixed[cell_type]).copy()
        values[edge] = row
        self.fixed[cell_type].assign(values)

    def decided(self) -> dict[str, np.ndarray]:
        """Cell type -> for every edge whether all its operation weights are fixed, `[edges]`."""
        if not self.fixed:
            return {t: np.zeros(len(self.space.edges), bool) for t in self.space.cell_types}
        return {t: (fixed.numpy() >= 0).all(axis=1) for t, fixed in self.fixed.items()}

    def with_fixed(self, cell_type: str, weights):
        """Operation weights with the entries that are fixed."""
        if not self.fixed:
            return weights
        fixed = keras.ops.convert_to_tensor(self.fixed[cell_type])
        return tf.where(fixed >= 0, tf.cast(fixed, weights.dtype), weights)

    def logits(self) -> tf.Tensor:
        """The logits of a categorical relaxation, `[cell types * edges, operations]`."""
        types = self.space.cell_types
        return tf.concat([self.relaxation.logits(self.space, t, self._values(t)) for t in types], 0)

    def entropies(self) -> tf.Tensor:
        """The entropy of each cell type's operation weights, summed over its edges, in nats.

        `[cell types]`, differentiable in the architecture. Where an edge's weights do not sum to 1,
        it is that of their shares in the sum.
        """
        weights = tf.stack(list(self.operation_weights().values()))
        shares = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, -1, keepdims=True))
        return -tf.reduce_sum(tf.math.xlogy(shares, shares), [1, 2])

    def penalty(self):
        """The term that the relaxation adds to the loss, a float32 scalar."""
        terms = [
            self.relaxation.penalty(self.space, cell_type, self._values(cell_type))
            for cell_type in self.space.cell_types
        ]
        dtypes = [variable.dtype for variable in self.searched_variables]
        zero = tf.zeros((), dtypes[0] if dtypes else "float32")
        return tf.add_n([zero, *(term for term in terms if term is not None)])

    def _values(self, cell_type) -> dict:
        variables = self.parameters[cell_type]
        return {name: keras.ops.convert_to_tensor(v) for name, v in variables.items()}
