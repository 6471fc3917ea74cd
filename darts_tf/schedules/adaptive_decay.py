"""The adaptive weight decay of RobustDARTS."""

import dataclasses

from darts_tf.schedules.eigenvalue_stop import EigenvalueStop
from darts_tf.schedules.transitions import GoBack, Transition


@dataclasses.dataclass(frozen=True)
class AdaptiveDecay(EigenvalueStop):
    """Goes back to where the minimum was flat, and on from there with more weight decay.

    DARTS-ADA of RobustDARTS (Zela et al., ICLR 2020, section 5.2): where `EigenvalueStop` would end
    the search, its whole state becomes that of the epoch which that would go back to, and the
    weights' L2 is multiplied. When it would exceed its largest value, the search ends there.

    Args:
        multiply: what the weight decay is multiplied with; default 10, as in the authors' script.
        most: the largest weight decay.
    """

    multiply: float = 10.0
    most: float = 0.03

    orders = (GoBack,)

    def __call__(self, observations, epochs, space) -> tuple[Transition, ...]:
        """The transitions after the last of the observations."""
        found = super().__call__(observations, epochs, space)
        decay = observations[-1].weight_decay * self.multiply
        if not found or decay > self.most * (1 + 1e-6):
            return found
        return (GoBack(found[0].result, self.multiply),)
