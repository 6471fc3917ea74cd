"""The effect of computing in 16 bits on equation 8 of DARTS.

Equation 8 moves the weights by 0.01 in all, so each by very little. The moved weights are float32,
but layers that compute in 16 bits round them first, and the difference of the two gradients holds
what that rounding did. Supernets without kinks show it alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from darts_tf.verification import supernets

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


class Loss(NamedTuple):
    """Distances from the exact values in float64, relative to their norms, of a tiny supernet.

    Attributes:
        policy: Keras' dtype policy of the layers.
        seed: of the supernet's weights, alphas and batches.
        first_order: distance of the first-order hypergradient from the exact one.
        finite_difference: distance of equation 8 from the exact hypergradient.
        second_order_term: distance of equation 8's second-order term from the exact term.
    """

    policy: str
    seed: int
    first_order: float
    finite_difference: float
    second_order_term: float


def losses(seeds=range(2)) -> Iterator[Loss]:
    """Measures supernets of 3 cells and 2 channels, with softplus and average pooling."""
    for seed in seeds:
        reference = supernets.make("float64", smooth=True, seed=seed)
        exact = reference.estimate("unrolled")
        term = exact - reference.direct_term()[0]
        for policy in POLICIES:
            example = supernets.make("float32", smooth=True, seed=seed, policy=policy)
            supernets.copy_variables(reference, example)
            found = example.estimate("finite_difference")
            yield Loss(
                policy,
                seed,
                _distance(example.estimate("first_order"), exact),
                _distance(found, exact),
                _distance(found - example.direct_term()[0], term),
            )


def _distance(estimate, exact) -> float:
    return float(np.linalg.norm(estimate - exact) / np.linalg.norm(exact))
