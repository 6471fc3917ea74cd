"""The relaxations of SDARTS: operation weights that are disturbed while the weights are trained."""

import dataclasses

import tensorflow as tf

from darts_tf.relaxations.relaxation import Relaxation, masked


@dataclasses.dataclass(frozen=True)
class Perturbed(Relaxation):
    """A softmax with noise in the steps of the weights: the cells must do without exact alphas.

    SDARTS-RS: Chen, Hsieh, ICML 2020, equation 3. The weights are trained with

        softmax(alpha) + delta,  delta ~ Uniform(-radius, radius) for every entry,

    clipped to [0, 1] and divided by the sum of the row; the architecture with softmax(alpha) alone,
    which makes it prefer minima of the validation loss that are flat in alpha. The radius is what
    the variable `temperature` of the supernet holds, so that a schedule moves it.
    """

    temperature = 0.03
    random = True
    weights_only = True

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        rows = tf.nn.softmax(masked(space, cell_type, variables["alpha"]), axis=-1)
        if seed is None:
            return rows
        delta = temperature * tf.random.stateless_uniform(rows.shape, seed, -1.0, 1.0)
        return onto_simplex(rows + delta, rows, space.mask(cell_type))


@dataclasses.dataclass(frozen=True)
class Adversarial(Perturbed):
    """As `Perturbed`, with the delta in that box that raises the training loss most.

    SDARTS-ADV: Chen, Hsieh, ICML 2020, equation 4. A search step looks for it by `steps` steps of
    projected gradient ascent; see `darts_tf.supernets.adversary`.

    Args:
        steps: default 7, the authors'.
    """

    steps: int = 7

    @property
    def ascent_steps(self):
        return self.steps

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        return super().weights(space, cell_type, variables)


def onto_simplex(rows: tf.Tensor, start: tf.Tensor, mask) -> tf.Tensor:
    """Clips rows to [0, 1] and divides them by their sums.

    Where nothing is left of a row, the largest operation of `start` has all of it.

    Args:
        rows: `[edges, operations]`.
        start: the rows before they were disturbed.
        mask: `[edges, operations]`, False for entries that stay 0.
    """
    clipped = tf.clip_by_value(rows, 0.0, 1.0) * tf.cast(mask, rows.dtype)
    sums = tf.reduce_sum(clipped, axis=-1, keepdims=True)
    largest = tf.one_hot(tf.argmax(start, axis=-1), rows.shape[-1], dtype=rows.dtype)
    return tf.where(sums > 0, tf.math.divide_no_nan(clipped, sums), largest)
