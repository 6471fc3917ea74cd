"""Steepest descent by splitting: in which direction two copies of a neuron lower the loss most.

Wu, Wang, Liu, "Splitting Steepest Descent for Growing Neural Architectures", NeurIPS 2019: a neuron
sigma(theta, x) becomes (sigma(theta + d, x) + sigma(theta - d, x)) / 2. All terms that are odd in d
cancel, so that the loss changes by d' S d / 2 + O(d^4) with the splitting matrix

    S = E[dL/dsigma * d^2 sigma / dtheta^2],

and most by lambda_min(S) eps^2 / 2, along its eigenvector. Here S is the second derivative of the
loss in the offset d of the two copies, at d = 0. That is the same matrix, holds for parameters that
all steps of a sequence share, and has no entries between two units: each changes by even powers of
its own offset alone, to first order in the loss. So one product with a vector gives a column of the
matrices of all units at once.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Splitting(NamedTuple):
    """The promise of splitting the units of an operation.

    Attributes:
        eigenvalues: the smallest one of every unit's matrix, `[units]`; the loss changes by
            eigenvalue * eps^2 / 2.
        directions: of length 1, `[parameters, units]`.
    """

    eigenvalues: np.ndarray
    directions: np.ndarray

    @property
    def gain(self) -> tuple[int, float]:
        """By what operations are ranked, larger is better, as Jie and Gao do.

        How many units have a negative eigenvalue; of equally many the smaller sum of all counts.
        """
        return int((self.eigenvalues < 0).sum()), -float(self.eigenvalues.sum())

    def offsets(self, length: float) -> np.ndarray:
        """How far each copy is moved, one by this and one by minus this, `[parameters, units]`.

        Args:
            length: of the offset of a unit with a negative eigenvalue; the others stay.
        """
        return length * self.directions * (self.eigenvalues < 0)


def matrices(loss: Callable, parameters: int, units: int, dtype="float32") -> np.ndarray:
    """The splitting matrices of all units.

    Args:
        loss: from the offset of the two copies, `[parameters, units]`, to the loss, which is even
            in it.
        parameters: of a unit.
        units: how many there are.
        dtype: of the offset.

    Returns:
        `[units, parameters, parameters]`, symmetric.
    """
    at = tf.zeros([parameters, units], dtype)

    @tf.function(autograph=False)
    def column(direction):
        with tf.GradientTape() as outer:
            outer.watch(at)
            with tf.GradientTape() as inner:
                inner.watch(at)
                value = loss(at)
            gradient = inner.gradient(value, at)
            along = tf.reduce_sum(gradient * direction)
        return outer.gradient(along, at, unconnected_gradients="zero")

    unit = np.eye(parameters, dtype=dtype)
    columns = [column(tf.constant(np.repeat(e[:, None], units, 1))).numpy() for e in unit]
    found = np.transpose(np.stack(columns), [2, 1, 0])
    return (found + np.transpose(found, [0, 2, 1])) / 2


def steepest(found: np.ndarray) -> Splitting:
    """The smallest eigenvalues and their directions.

    Args:
        found: `[units, parameters, parameters]`, of `matrices`.
    """
    values, vectors = np.linalg.eigh(found)
    directions = vectors[:, :, 0].T
    # An eigenvector has no sign; the largest entry is positive, so that runs are the same.
    largest = np.take_along_axis(directions, np.abs(directions).argmax(0)[None], 0)
    return Splitting(values[:, 0], directions * np.where(largest < 0, -1.0, 1.0))
