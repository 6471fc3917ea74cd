"""Numbers that change from epoch to epoch, such as a temperature."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Constant:
    """The same value in every epoch."""

    value: float

    def __call__(self, epoch: int, epochs: int) -> float:
        """The value in epoch `epoch` of `epochs`."""
        return self.value


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
        return self.first + (self.last - self.first) * _done(epoch, epochs, self.reaches_last)


@dataclasses.dataclass(frozen=True)
class Exponential:
    """From `first` in the first epoch to `last` in the last one by equal factors.

    Args:
        first: the value in epoch 0, above 0.
        last: the value in the last epoch, above 0.
    """

    first: float
    last: float

    def __call__(self, epoch: int, epochs: int) -> float:
        """The value in epoch `epoch` of `epochs`; `first` if there is one epoch only."""
        return self.first * (self.last / self.first) ** _done(epoch, epochs, True)


def _done(epoch, epochs, reaches_last) -> float:
    """The share of the way, from 0."""
    return epoch / max(epochs - reaches_last, 1)
