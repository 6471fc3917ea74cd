"""Budgets of time: how they are written, and how much of one is spent."""

import re
import time
from collections.abc import Callable

from darts_tf.common.errors import UserError

#: What is counted: the time of all processors that the process uses, or that of the clock.
KINDS = {"processor": time.process_time, "wall": time.perf_counter}

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(text: str | float) -> float:
    """The seconds that a budget such as "15m", "1h30m", "90s" or 90 stands for.

    Raises:
        UserError: it is no time above 0.
    """
    written = str(text).strip().lower()
    parts = re.findall(r"(\d+\.?\d*|\.\d+)\s*([smhd]?)", written)
    if not parts or "".join(n + u for n, u in parts) != re.sub(r"\s", "", written):
        parts = []
    found = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < found < float("inf") or (len(parts) > 1 and any(not unit for _, unit in parts)):
        raise UserError(f"the budget is {text!r}; expected a time such as 15m, 90s, 1h30m or 2h")
    return found


class Clock:
    """The seconds that a piece of work has spent, over all its starts.

    Args:
        earlier: seconds of earlier starts.
        now: a clock, such as one of `KINDS`.
        since: what `now` was when this start began. Default: what it is. `time.process_time` was 0
            when the process began.
    """

    def __init__(
        self,
        earlier: float = 0.0,
        now: Callable[[], float] = time.process_time,
        since: float | None = None,
    ):
        self._earlier = earlier
        self._now = now
        self._since = now() if since is None else since

    @property
    def spent(self) -> float:
        """Seconds, those of earlier starts included."""
        return self._earlier + self._now() - self._since
