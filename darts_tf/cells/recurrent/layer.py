"""The layer that runs a recurrent cell over time."""

import keras
import tensorflow as tf

from darts_tf.cells.recurrent import time_loop
from darts_tf.cells.recurrent.cell import BaseRecurrentCell
from darts_tf.cells.recurrent.constants import wanted
from darts_tf.cells.recurrent.state_normalization import replicas
from darts_tf.common.errors import UserError


@keras.saving.register_keras_serializable("darts_tf")
class RecurrentLayer(keras.layers.RNN):
    """`keras.layers.RNN` for the cells of this room: operation weights, and variational dropout.

    What it does beside `keras.layers.RNN`: a relaxed cell gets its operation weights; the masks of
    the dropout are drawn once a sequence, outside the loop (Gal & Ghahramani, NeurIPS 2016), and
    scaled by 1 / (1 - rate); all x_t are multiplied by their part of W_0 at once. All else,
    `return_sequences`, `return_state`, `stateful`, `go_backwards`, `unroll`,
    `zero_output_for_mask`, is as there.

    Where replicas share a batch that is normalised, the steps are unrolled, because replicas can't
    communicate inside a loop.

    Args:
        cell: a `RecurrentCell` or a `RecurrentMixedCell`.
        dropout: rate of the dropout on x_t, `dropoutx` in the reference. Default 0.
        recurrent_dropout: that on all states inside the cell, `dropouth`. Default 0.
        seed: of the dropout; None for a random one.
        **kwargs: those of `keras.layers.RNN`.

    Call arguments:
        sequences: `[batch, time, features]`.
        initial_state: `[h_0]`, `[batch, units]`; None for zeros, or for the state kept if stateful.
        mask: which examples have which steps, booleans `[batch, time]`; None if all have all.
        training: whether there is dropout.
        mixture: the operation weights of a relaxed cell, `[edges, operations]`.
        masks: what all x_t and all states are multiplied by, `[batch, features]` and `[batch,
            units]`, each None for 1, in place of the dropout; None for that.
        rows: the former name of `mixture`, which saved models may call.

    Returns all outputs `[batch, time, units]` if `return_sequences`, or the last one `[batch,
    units]`, and behind it the state `[batch, units]` if `return_state`.

    Raises:
        UserError: the cell is another one, or a rate is not in [0, 1).

    Example:
        >>> layer = RecurrentLayer(RecurrentMixedCell("darts_rnn", 300), return_sequences=True)
        >>> layer(tf.zeros([64, 35, 300]), mixture=tf.fill([36, 5], 0.2)).shape
        TensorShape([64, 35, 300])
    """

    def __init__(
        self, cell, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed=None, **kwargs
    ):
        if not isinstance(cell, BaseRecurrentCell):
            raise UserError(
                "expected a RecurrentCell or a RecurrentMixedCell; for other cells there is "
                f"keras.layers.RNN. Got {cell!r:.60}"
            )
        for name, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not 0 <= rate < 1:
                raise UserError(f"{name} must be at least 0 and less than 1, got {rate}")
        super().__init__(cell, **kwargs)
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        if dropout or recurrent_dropout:
            self.seed_generator = keras.random.SeedGenerator(seed)

    # Keras wants these names here and below: an argument of `call`, then `_shape`.
    def build(
        self,
        sequences_shape,
        initial_state_shape=None,
        mixture_shape=None,
        masks_shape=None,
        rows_shape=None,
    ):
        super().build(sequences_shape)

    def compute_output_shape(
        self,
        sequences_shape,
        initial_state_shape=None,
        mixture_shape=None,
        masks_shape=None,
        rows_shape=None,
    ):
        return super().compute_output_shape(sequences_shape)

    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        mixture=None,
        masks=None,
        rows=None,
    ):
        mixture = rows if mixture is None else mixture
        cell, backwards = self.cell, self.go_backwards
        state = self._start(sequences, initial_state)
        if masks is None:
            masks = self._masks(sequences, training)
        constants = cell.constants(mixture, *masks)
        inputs = _over_time(tf.cast(sequences, cell.compute_dtype), backwards)
        mask = None if mask is None else _over_time(tf.cast(mask, tf.bool), backwards)

        def step(projected, state, valid):
            return cell.step(projected, state, wanted(constants), valid)

        unroll = self.unroll or (cell.normalized and replicas() > 1)
        steps = time_loop.run(step, cell.project(inputs, constants), state, mask, unroll)
        if self.stateful:
            self.states[0].assign(tf.cast(steps.state, self.states[0].dtype))
        outputs = self._outputs(steps, mask)
        return (outputs, steps.state) if self.return_state else outputs

    def _start(self, sequences, initial_state):
        if initial_state is None:
            batch = tf.shape(sequences)[0]
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        if isinstance(initial_state, list | tuple):
            (initial_state,) = initial_state
        state = tf.cast(keras.ops.convert_to_tensor(initial_state), self.cell.compute_dtype)
        return tf.ensure_shape(state, [sequences.shape[0], self.cell.units])

    def _masks(self, sequences, training) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """The masks that multiply all x_t and all states, from one draw; None for 1."""
        rates = self.dropout, self.recurrent_dropout
        if not training or not any(rates):
            return None, None
        widths = [sequences.shape[-1], self.cell.units]
        shape = (tf.shape(sequences)[0], sum(widths))
        drawn = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return tuple(
            tf.where(part < 1 - rate, 1 / (1 - rate), 0.0) if rate else None
            for part, rate in zip(tf.split(drawn, widths, axis=-1), rates, strict=True)
        )

    def _outputs(self, steps: time_loop.Steps, mask) -> tf.Tensor:
        outputs, last = steps.outputs, steps.output
        if mask is not None and self.zero_output_for_mask:
            outputs = tf.where(mask[..., None], outputs, 0)
            last = outputs[-1]
        return tf.transpose(outputs, [1, 0, 2]) if self.return_sequences else last

    def get_config(self):
        return {
            **super().get_config(),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def _over_time(values, backwards: bool) -> tf.Tensor:
    """`[batch, time, ...]` as `[time, batch, ...]`, from the last step to the first if wanted."""
    order = [1, 0, *range(2, len(values.shape))]
    turned = tf.transpose(values, order)
    return tf.reverse(turned, [0]) if backwards else turned
