"""How far equation 8 of DARTS is from the exact hypergradient, with and without kinks.

Between w+ and w- the loss of a network with ReLUs and max pooling has kinks. The derivative of
equation 7 at w does not see them; the difference quotient of equation 8 holds their jumps.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from darts_tf.verification import supernets

RADII = (1e-2, 1e-3, 1e-4)


class Distance(NamedTuple):
    """Distances from `unrolled`, relative to its norm, of one tiny supernet.

    Attributes:
        smooth: False for ReLUs and max pooling, True for softplus and average pooling.
        seed: of its weights, alphas and batches.
        first_order: of the first-order hypergradient: what is lost without a second-order term.
        finite_difference: of `finite_difference`, for each radius of `RADII`; the first one is
            the default.
    """

    smooth: bool
    seed: int
    first_order: float
    finite_difference: tuple[float, ...]


def distances(seeds=range(3)) -> Iterator[Distance]:
    """Measures supernets of 3 cells and 2 channels in float64, so that only kinks can matter."""
    for smooth in (False, True):
        for seed in seeds:
            example = supernets.make("float64", smooth=smooth, seed=seed)
            exact = example.estimate("unrolled")
            far = [
                float(np.linalg.norm(estimate - exact) / np.linalg.norm(exact))
                for estimate in (
                    example.estimate("first_order"),
                    *(example.estimate("finite_difference", radius=r) for r in RADII),
                )
            ]
            yield Distance(smooth, seed, far[0], tuple(far[1:]))
