"""How far long work is, and how long the rest will take."""

import time

from absl import logging


def duration(seconds: float) -> str:
    """A time in words, such as "2 min 5 s"."""
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


class Progress:
    """Logs from time to time how many parts of some work are done.

    Args:
        what: the parts, in the plural, such as "networks measured".
        total: how many there are.
        seconds: between two lines.
    """

    def __init__(self, what: str, total: int, seconds: float = 15.0):
        self._what = what
        self._total = total
        self._seconds = seconds
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, parts: int = 1) -> None:
        """One more part, or several, are done."""
        self._done += parts
        now = time.monotonic()
        if now - self._said < self._seconds or self._done >= self._total:
            return
        self._said = now
        left = (now - self._started) / self._done * (self._total - self._done)
        logging.info(
            "%d of %d %s, about %s left", self._done, self._total, self._what, duration(left)
        )
