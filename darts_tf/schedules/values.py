"""Numbers that change from epoch to epoch, such as a temperature."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Linear:
    """From `first` in the first epoch towards `last` in equal steps.

    Args:
        first: the value in epoch 0.
        last: where the line ends.
        reaches_last: whether the last epoch has the value `last`, as in GDAS (Dong & Yang, CVPR
            2019), or comes one step short of it, as in SNAS (Xie et al., ICLR 2019).
    """

    first: float
    last: float
    reaches_last: bool = True

    def __call__(self, epoch: int, epochs: int) -> float:
        """The value in epoch `epoch` of `epochs`; `first` if there is one epoch only."""
        done = epoch / max(epochs - self.reaches_last, 1)
        return self.first + (self.last - self.first) * done
