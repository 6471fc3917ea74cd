"""The adaptive weight decay of RobustDARTS."""

import dataclasses

from darts_tf.schedules.eigenvalue_stop import EigenvalueStop
from darts_tf.schedules.rules import Verdict


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

    goes_back = True

    def __call__(self, observations, epochs, space) -> Verdict:
        """What to do after the last of the observations."""
        verdict = super().__call__(observations, epochs, space)
        if verdict.reason is None or observations[-1].weight_decay * self.multiply > (
            self.most * (1 + 1e-6)
        ):
            return verdict
        return Verdict(back=verdict.result, weight_decay_factor=self.multiply)
