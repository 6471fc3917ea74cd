"""The first epochs of a search train the weights alone."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class WarmUp:
    """Whether the architecture variables are frozen in an epoch.

    Published for searches of a certain length: the first `frozen` of `of` epochs. A search of
    another length freezes the same share of its epochs, rounded.

    Args:
        frozen: how many epochs train the weights alone.
        of: the length of the published search.
    """

    frozen: int
    of: int

    def __call__(self, epoch: int, epochs: int) -> bool:
        """Whether the architecture variables are frozen in epoch `epoch` of `epochs`."""
        return epoch < round(self.frozen * epochs / self.of)
