"""The relaxation of DrNAS."""

import dataclasses

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation, masked

_DISTANCES = ("l2", "kl")


@dataclasses.dataclass(frozen=True)
class Dirichlet(Relaxation):
    """Operation weights of every edge that are a draw from a Dirichlet distribution.

    DrNAS: Chen, Wang, Cheng, Tang, Hsieh, ICLR 2021. The concentration is elu(alpha) + 1, which is
    about 1, the uniform distribution on the simplex, at the start. Gradients go through the draw by
    implicit reparameterisation: a Dirichlet variable is a vector of gamma variables divided by its
    sum, and TensorFlow differentiates the latter in their shape. Without a draw the weights are
    the mean of the distribution; the cell is chosen by softmax(alpha), as in the authors' code.

    The distance to the uniform distribution is added to the loss: `distance_weight` times half the
    squares of alpha, or times the Kullback-Leibler divergence.

    Args:
        distance: "l2" or "kl". Default "l2".
        distance_weight: default 1e-3, the authors'.

    Raises:
        UserError: the distance is unknown.
    """

    draws = Draws()

    distance: str = "l2"
    distance_weight: float = 1e-3

    def __post_init__(self):
        if self.distance not in _DISTANCES:
            raise UserError(
                f"unknown distance {self.distance!r}; expected one of {', '.join(_DISTANCES)}"
            )

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        mask = space.mask(cell_type)
        shapes = concentration(tf.where(mask, variables["alpha"], 0.0))
        if seed is not None:
            # Far below the smallest draw that matters, so that no row is 0 / 0.
            smallest = np.finfo("float32").tiny
            shapes = smallest + tf.random.stateless_gamma(shapes.shape, seed, alpha=shapes)
        shapes = tf.where(mask, shapes, 0.0)
        return shapes / tf.reduce_sum(shapes, axis=-1, keepdims=True)

    def probabilities(self, space, cell_type, variables):
        return tf.nn.softmax(masked(space, cell_type, variables["alpha"]), axis=-1)

    def penalty(self, space, cell_type, variables):
        mask = space.mask(cell_type)
        alpha = tf.where(mask, variables["alpha"], 0.0)
        if self.distance == "l2":
            return self.distance_weight / 2 * tf.reduce_sum(tf.square(alpha))
        return self.distance_weight * tf.reduce_sum(_divergence(concentration(alpha), mask))


def concentration(alpha) -> tf.Tensor:
    """The parameters of the Dirichlet distribution: elu(alpha) + 1, above 0."""
    return tf.nn.elu(alpha) + 1


def _divergence(shapes, mask) -> tf.Tensor:
    """KL(Dir(shapes) || Dir(1)) of every row, `[edges]`; `mask` says which entries there are."""
    total = tf.reduce_sum(tf.where(mask, shapes, 0.0), axis=-1)
    own = tf.where(mask, (shapes - 1) * tf.math.digamma(shapes) - tf.math.lgamma(shapes), 0.0)
    count = tf.constant(mask.sum(-1), shapes.dtype)
    return (
        tf.math.lgamma(total)
        - tf.math.lgamma(count)
        + tf.reduce_sum(own, axis=-1)
        - (total - count) * tf.math.digamma(total)
    )
