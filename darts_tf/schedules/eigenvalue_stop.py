"""The early stop of RobustDARTS."""

import dataclasses

import numpy as np

from darts_tf.schedules.transitions import Stop, Transition


def has_grown(eigenvalues, window: int = 5, apart: int = 4, factor: float = 1.3) -> bool:
    """Whether the local average is more than `factor` times what it was `apart` values before.

    Args:
        eigenvalues: a series, oldest first.
        window: how many of the last values are averaged; fewer where there are not as many.
        apart: how many values lie between the two averages' ends.
        factor: how much growth is too much.
    """
    if len(eigenvalues) <= apart:
        return False
    now, before = np.mean(eigenvalues[-window:]), np.mean(eigenvalues[:-apart][-window:])
    return bool(before > 0 and now / before > factor)


@dataclasses.dataclass(frozen=True)
class EigenvalueStop:
    """Ends a search whose minimum gets sharp, and goes back to the cells from before.

    DARTS-ES of RobustDARTS (Zela et al., ICLR 2020, section 4.3), with the numbers of the authors'
    code: the eigenvalue is measured in every second epoch; when its local average has grown by more
    than the factor 1.3 in four measurements, the result is the genotype of four measurements ago.

    Args:
        eigenvalue_every: epochs from one measurement to the next.
        window, apart, factor: see `has_grown`.
        first_epoch: no stop before this epoch, counted from 0.
    """

    eigenvalue_every: int = 2
    window: int = 5
    apart: int = 4
    factor: float = 1.3
    first_epoch: int = 10

    @property
    def memory(self) -> int:
        """Epochs that it looks at."""
        return self.eigenvalue_every * (self.window + self.apart)

    def __call__(self, observations, epochs, space) -> tuple[Transition, ...]:
        """The transitions after the last of the observations."""
        measured = [o for o in observations if o.eigenvalue is not None]
        now = observations[-1]
        if now.eigenvalue is None or now.epoch < self.first_epoch:
            return ()
        series = [o.eigenvalue for o in measured]
        if not has_grown(series, self.window, self.apart, self.factor):
            return ()
        before = measured[-1 - self.apart]
        reason = (
            "the largest eigenvalue of the validation loss' Hessian has grown by more than the "
            f"factor {self.factor:g}; back to the cells of epoch {before.epoch + 1}"
        )
        return (Stop(reason, before),)
