"""The early stop of DARTS+."""

import dataclasses

from darts_tf import parameter_free
from darts_tf.schedules.rules import Verdict


@dataclasses.dataclass(frozen=True)
class SkipStop:
    """Ends a search as soon as the normal cell holds too many skip connections.

    DARTS+ (Liang et al., arXiv 1909.06035), its first criterion; the cells are those of that epoch.
    The cells of the first epochs are accidents of the initial alphas, so there is no stop in them;
    that is our choice.

    Args:
        most: the search ends with so many skip connections.
        first_epoch: no stop before this epoch, counted from 0.
    """

    most: int = 2
    first_epoch: int = 10

    memory = 1
    eigenvalue_every = 0

    def __call__(self, observations, epochs, space) -> Verdict:
        """What to do after the last of the observations."""
        now = observations[-1]
        skips = parameter_free.count_skips(now.genotype[space.cell_types[0]])
        if skips < self.most or now.epoch < self.first_epoch:
            return Verdict()
        return Verdict(f"the {space.cell_types[0]} cell holds {skips} skip connections", now)
