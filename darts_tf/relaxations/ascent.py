"""The operation weights near given ones with the largest loss, for SDARTS-ADV."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Ascent:
    """The search for the worst operation weights; see `worst_mixture`.

    Args:
        steps: number of its steps, at least 1. Default 7, the authors'.
    """

    steps: int = 7

    def __call__(
        self, loss: Callable, start: dict, radius: tf.Tensor, masks: dict, seed: tf.Tensor
    ) -> dict:
        """Operation weights near `start`; arguments and result as for `worst_mixture`."""
        return worst_mixture(loss, start, radius, masks, seed, self.steps)


def worst_mixture(
    loss: Callable, start: dict, radius: tf.Tensor, masks: dict, seed: tf.Tensor, steps: int = 7
) -> dict:
    """Projected gradient ascent on a loss of operation weights, in the maximum norm.

    As in the authors' code for Chen, Hsieh, ICML 2020: from a random point of the box, `steps`
    steps of 2 * radius / steps along the gradient's signs, each followed by a projection onto the
    box and onto the simplex. What does not raise the loss is not taken.

    Args:
        loss: of operation weights, cell type -> `[edges, operations]`, to a scalar.
        start: the operation weights; rows sum to 1.
        radius: a scalar: no entry moves by more before the rows are normalised.
        masks: cell type -> `[edges, operations]`, False for entries that stay 0.
        seed: `[2]` int32, of the random point.
        steps: number of steps.

    Returns:
        Operation weights, no gradient flows through them.
    """
    start = {name: tf.stop_gradient(mixture) for name, mixture in start.items()}
    names = sorted(start)
    seeds = tf.random.experimental.stateless_split(seed, len(names))

    def project(moved):
        boxed = {
            n: start[n] + tf.clip_by_value(moved[n] - start[n], -radius, radius) for n in names
        }
        return {n: onto_simplex(boxed[n], start[n], masks[n]) for n in names}

    def ascend(i, mixture):
        with tf.GradientTape() as tape:
            tape.watch(mixture)
            value = loss(mixture)
        zero = tf.UnconnectedGradients.ZERO
        slopes = tape.gradient(value, mixture, unconnected_gradients=zero)
        step = 2 * radius / steps
        return i + 1, project({n: mixture[n] + step * tf.sign(slopes[n]) for n in names})

    noise = {
        n: radius * tf.random.stateless_uniform(start[n].shape, seeds[i], -1.0, 1.0)
        for i, n in enumerate(names)
    }
    first = project({n: start[n] + noise[n] for n in names})
    # A loop of the graph: its body is traced once.
    _, found = tf.while_loop(lambda i, mixture: i < steps, ascend, (tf.constant(0), first))
    rises = loss(found) > loss(start)
    return {n: tf.stop_gradient(tf.where(rises, found[n], start[n])) for n in names}


def onto_simplex(mixture: tf.Tensor, start: tf.Tensor, mask) -> tf.Tensor:
    """Clips rows to [0, 1] and divides them by their sums.

    Where nothing is left of a row, the largest operation of `start` has all of it.

    Args:
        mixture: `[edges, operations]`.
        start: the rows before they were disturbed.
        mask: `[edges, operations]`, False for entries that stay 0.
    """
    clipped = tf.clip_by_value(mixture, 0.0, 1.0) * tf.cast(mask, mixture.dtype)
    sums = tf.reduce_sum(clipped, axis=-1, keepdims=True)
    largest = tf.one_hot(tf.argmax(start, axis=-1), mixture.shape[-1], dtype=mixture.dtype)
    return tf.where(sums > 0, tf.math.divide_no_nan(clipped, sums), largest)
