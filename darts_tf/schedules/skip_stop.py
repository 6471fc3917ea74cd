"""The early stop of DARTS+."""

import dataclasses

import numpy as np

from darts_tf.schedules.transitions import Stop, Transition
from darts_tf.supernets import parameter_free


@dataclasses.dataclass(frozen=True)
class SkipStop:
    """Ends a search when the normal cell holds too many skip connections, or nothing moves.

    DARTS+ (Liang et al., arXiv 1909.06035, section 4): the search ends with the cells of the first
    epoch in which one of two criteria holds:

    1. the normal cell holds two skip connections or more;
    2. on no edge has the order of the learnable operations, by their weights, changed for ten
       epochs. It counts only where an edge has two of them to put in order, which S2 to S4 do not.

    The cells of the first epochs are accidents of the initial alphas, so there is no stop in them;
    that is our choice.

    Args:
        most: the search ends with so many skip connections.
        stable: and when the order has stayed for so many epochs; None for never.
        first_epoch: no stop before this epoch, counted from 0.
    """

    most: int = 2
    stable: int | None = 10
    first_epoch: int = 10

    eigenvalue_every = 0
    judges_operations = True

    @property
    def memory(self) -> int:
        """Epochs that it looks at."""
        return 1 + (self.stable or 0)

    def __call__(self, observations, epochs, space) -> tuple[Transition, ...]:
        """The transitions after the last of the observations."""
        now = observations[-1]
        if now.epoch < self.first_epoch:
            return ()
        normal = space.cell_types[0]
        skips = parameter_free.count_skips(now.genotype[normal])
        if skips >= self.most:
            return (Stop(f"the {normal} cell holds {skips} skip connections", now),)
        if self.stable and len(observations) > self.stable and _is_stable(observations, space):
            reason = f"the order of the learnable operations has not changed for {self.stable}"
            return (Stop(f"{reason} epochs", now),)
        return ()


def _is_stable(observations, space) -> bool:
    """Whether the learnable operations of every edge have the same order in all observations."""
    learnable = np.array([not parameter_free.is_parameter_free(x) for x in space.operations])
    orders = set()
    for observation in observations:
        edges = [
            tuple(np.argsort(-row[mask & learnable], kind="stable").tolist())
            for cell_type in space.cell_types
            for row, mask in zip(observation.weights[cell_type], space.mask(cell_type), strict=True)
        ]
        orders.add(tuple(edges))
    return len(orders) == 1 and max(map(len, edges)) > 1
