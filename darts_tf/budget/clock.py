"""Budgets of time: how they are written, and how much of one is spent."""

import re
import time
from collections.abc import Callable

from darts_tf.common.errors import UserError

#: What is counted: the time of all processors that the process uses, or that of the clock; or the
#: work that is done, for which no time passes by itself, see `ReferenceClock`.
KINDS = {
    "processor": time.process_time,
    "wall": time.perf_counter,
    "reference": lambda: 0.0,
}

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

    def after(self, work: Callable[[], float]) -> float:
        """`spent` now that something was done; how much work it was makes no difference."""
        return self.spent


class ReferenceClock:
    """The seconds that a piece of work would have spent on a machine of a fixed speed.

    Unlike time they are the same on every machine and under any load, so that a search for a
    budget of them can be repeated.

    Attributes:
        spent: reference seconds (`work`), those of earlier starts included.

    Args:
        earlier: of earlier starts.
    """

    def __init__(self, earlier: float = 0.0):
        self.spent = earlier

    def after(self, work: Callable[[], float]) -> float:
        """`spent` now that this was done, which is so many reference seconds."""
        self.spent += work()
        return self.spent


def start(kind: str, earlier: float | None, since: float) -> Clock | ReferenceClock:
    """A clock of a kind.

    Args:
        kind: one of `KINDS`.
        earlier: seconds of earlier starts; None if this is the first.
        since: what the kind's function was when a first start began.
    """
    if kind == "reference":
        return ReferenceClock(earlier or 0.0)
    now = KINDS[kind]
    return Clock(now=now, since=since) if earlier is None else Clock(earlier, now)
