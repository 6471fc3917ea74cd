"""A graph of three nodes and three edges with three operations each: 27 architectures, all known.

Operations 0, x and x / 2 + 0.3; h1 = o1(1), h2 = o2(1) + o3(h1), L = (h2 - 1.1)^2.
"""

import itertools

import numpy as np
import tensorflow as tf

from darts_tf.gradients import CategoricalLoss

LOGITS = np.array([[0.2, -0.1, 0.0], [0.5, 0.0, -0.5], [0.0, 0.3, 0.1]])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
ARCHITECTURES = np.eye(3)[list(itertools.product(range(3), repeat=3))]
EXPECTED_LOSS = 0.43622795
GRADIENT = [
    [0.039731, -0.011755, -0.027976],
    [0.109271, -0.058913, -0.050358],
    [0.056860, -0.004494, -0.052366],
]


def losses(z):
    """L of draws or mixtures of the operations, `[n, 3, 3]` to `[n]`."""

    def mixed(weights, x):
        return weights[:, 1] * x + weights[:, 2] * (x / 2 + 0.3)

    h1 = mixed(z[:, 0], 1.0)
    return (mixed(z[:, 1], 1.0) + mixed(z[:, 2], h1) - 1.1) ** 2


def multilinear(z):
    """The extension of L that is linear in each row, `[n, 3, 3]` to `[n]`."""
    table = tf.constant(losses(ARCHITECTURES).reshape(3, 3, 3), z.dtype)
    return tf.einsum("na,nb,nc,abc->n", *tf.unstack(z, axis=1), table)


LOSS = CategoricalLoss(losses, multilinear)


def chances(architectures=ARCHITECTURES):
    """The probability of each architecture."""
    return np.prod((architectures * PROBABILITIES).sum(-1), -1)


def moments(gradients, weights):
    """The mean of gradients with these probabilities, and their total variance."""
    gradients = np.asarray(gradients)
    mean = np.tensordot(weights, gradients, 1)
    return mean, weights @ (gradients**2).sum((1, 2)) - (mean**2).sum()


def sampled(estimator, samples, seed=0):
    """That many samples of a built estimator: their mean, its standard errors, total variance."""
    draws = estimator.sample(LOSS, tf.constant(LOGITS, tf.float32), tf.constant([seed, 7]))
    gradients = draws.gradients.numpy().astype("float64")
    assert gradients.shape == (samples, 3, 3)
    variances = gradients.var(0, ddof=1)
    return gradients.mean(0), np.sqrt(variances / samples), variances.sum()


def built(estimator, shape=(3, 3)):
    """An estimator that has made its variables."""
    estimator.build(shape, seed=3)
    return estimator
