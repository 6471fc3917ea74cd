"""Dropout behind skip connections, as in P-DARTS."""

import dataclasses
import math

from darts_tf.schedules.warm_up import WarmUp


@dataclasses.dataclass(frozen=True)
class SkipDropout:
    """The rate of the dropout behind skip connections in a stage of P-DARTS.

    Chen, Xie, Wu, Tian, ICCV 2019, section 3.4, with the curve of the authors' code: as long as the
    architecture is frozen the rate falls linearly from `first` towards 0; then it starts again at
    `first` and falls as exp(-0.2 * epochs since then), for the 25 epochs of their stages. A stage
    of another length runs through the same curve.

    Args:
        first: the rate in the beginning, in [0, 1).
        warm_up: says in which epochs the architecture is frozen. Default: 10 of 25.
    """

    first: float
    warm_up: WarmUp = WarmUp(10, 25)

    def __call__(self, epoch: int, epochs: int) -> float:
        """The rate in epoch `epoch` of `epochs`."""
        if self.warm_up(epoch, epochs):
            return self.first * (epochs - epoch - 1) / epochs
        since = epoch - sum(self.warm_up(e, epochs) for e in range(epoch))
        return self.first * math.exp(-0.2 * since * self.warm_up.of / epochs)
