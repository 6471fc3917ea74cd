"""Controls: numbers of a search that a schedule moves from epoch to epoch."""

import dataclasses
import math

from darts_tf.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class Control:
    """A number that a part lets a schedule change while a search runs.

    The supernet holds a variable for it, `Architecture.controls`, which is saved with it and which
    nothing trains.

    Attributes:
        name: the key of `Method.controls` and the argument by which the part takes the value.
        start: the value until a schedule changes it.
        low, high: the values that have a meaning, both included.
        draws: whether what it controls is random. The part then takes a pair (value, seed), the
            seed `[2]` int32, and only where there is a seed.
        argument: the argument of its constructor that a part needs to be true, so that there is
            something to control; None for none.
    """

    name: str
    start: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    draws: bool = False
    argument: str | None = None

    def check(self, value: float) -> float:
        """The value, if it has a meaning.

        Raises:
            UserError: it has none.
        """
        if not self.low <= value <= self.high:
            raise UserError(
                f"the control {self.name!r} is to be {value:g}; expected a number from "
                f"{self.low:g} to {self.high:g}, so use another schedule"
            )
        return value
