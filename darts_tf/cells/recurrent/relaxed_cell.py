"""The recurrent cell of a supernet: the relaxed cell over all steps of a batch of sequences."""

from typing import ClassVar

import tensorflow as tf

from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.cells.relaxed import RelaxedCell
from darts_tf.common import draws, seeds
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.spaces import Space


class RelaxedRecurrentCell(RelaxedCell):
    """A `RecurrentMixedCell` run over time, with the dropout that the step's seed decides.

    It computes every relaxation whose operation weights are `[edges, operations]`, mixed or
    one-hot: the candidates cost next to nothing beside the matrices W_i, which all of them share,
    so that there is nothing to gain by leaving those out that were not drawn.

    The dropout is that of all evaluations of a step with the same seed, and none without one.

    Args:
        space: a recurrent search space.
        channels: units of every state and of the output.
        reduction, reduction_before: of other kinds of cell.
        dropout: rate of the dropout on x_t, `dropoutx` in the authors' code.
        recurrent_dropout: that on all states inside the cell, `dropouth`.

    Call arguments:
        inputs: a list of one sequence, `[batch, time, features]`.
        weights: the operation weights `[edges, operations]`.
        state: h_0, `[batch, channels]`; None for zeros.
        seed: `[2]` int32, of the dropout; None for none.
        training: whether there is dropout.

    Returns the outputs `[batch, time, channels]` and the state after the last step.
    """

    carries_state = True
    draws = True
    edges_learn = False
    #: The cell that is run over time: `(space, units)`.
    mixed_cell: ClassVar[type] = RecurrentMixedCell

    def __init__(
        self,
        space: Space,
        channels: int,
        reduction: bool = False,
        reduction_before: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._rates = dropout, recurrent_dropout
        with inner_layers(self.dtype_policy):
            cell = self.mixed_cell(space, channels)
            self.recurrent = RecurrentLayer(cell, return_sequences=True, return_state=True)

    @property
    def cell_type(self):
        return self.recurrent.cell.cell_type

    def build(self, inputs_shape):
        self.recurrent.build(*inputs_shape)
        self.built = True

    def call(self, inputs, weights, state=None, seed=None, training=False):
        (sequences,) = inputs
        masks = None if seed is None or not training else self._masks(sequences, seed)
        return self.recurrent(
            sequences, initial_state=state, training=training, mixture=weights, masks=masks
        )

    def _masks(self, sequences, seed) -> list[tf.Tensor | None]:
        """The masks that multiply all x_t and all states; None for 1."""
        widths = sequences.shape[-1], self.recurrent.cell.units
        masks = []
        for number, (width, rate) in enumerate(zip(widths, self._rates, strict=True)):
            own = seeds.of_part(seed, number)
            shape = [tf.shape(sequences)[0], width]
            masks.append(draws.kept_of_batch(shape, rate, own) if rate else None)
        return masks

    def compute_output_shape(self, inputs_shape):
        (shape,) = inputs_shape
        return (*shape[:-1], self.recurrent.cell.units)

    def initial_state(self, batch_size):
        (state,) = self.recurrent.cell.get_initial_state(batch_size)
        return state
