"""What one run of a benchmark measures. Plain Python, so that peers in other frameworks use it."""

import dataclasses
import os
import pathlib
import resource
import statistics
import sys
import time

_IMPORTED = time.perf_counter()


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What was measured in one process.

    Attributes:
        step_seconds: one number for each step after the warm-up.
        startup_seconds: from the start of the process to the end of its first step.
        peak_memory_bytes: most memory that the process ever held, libraries included.
        weights: number of trained weights; the architecture variables are not counted.
        library: framework and version.
        threads: CPU threads that operations run on.
        data_wait_seconds: for each of the steps, how long it waited for its batches; None where
            that cannot be told from the step.
        estimated_memory_bytes: what `darts_tf.memory` expected before the run, or None.
    """

    step_seconds: list[float]
    startup_seconds: float
    peak_memory_bytes: int
    weights: int
    library: str
    threads: int
    data_wait_seconds: list[float] | None = None
    estimated_memory_bytes: int | None = None

    def to_dict(self) -> dict:
        """The attributes, for JSON."""
        return dataclasses.asdict(self)

    @property
    def median_step_seconds(self) -> float:
        """The median of `step_seconds`."""
        return statistics.median(self.step_seconds)


class Stopwatch:
    """Tells the first step, the warm-up and the measured steps of this process apart.

    Args:
        steps: steps to measure.
        warmup: steps between the first one, which also builds graphs, and the measured ones.

    Example:
        >>> stopwatch = Stopwatch(steps=10, warmup=2)
        >>> while not stopwatch.finished:
        ...     step()
        ...     stopwatch.lap()
        >>> stopwatch.step_seconds
    """

    def __init__(self, steps: int, warmup: int):
        self.laps = 1 + warmup + steps
        self._warmup = warmup
        self._ends = []
        self._begins = []
        self.startup_seconds = None

    @property
    def finished(self) -> bool:
        """Whether all steps have been run."""
        return len(self._ends) >= self.laps

    def begin(self) -> None:
        """Call when a step has its data; without it no waiting is measured."""
        self._begins.append(time.perf_counter())

    def lap(self) -> None:
        """Call at the end of every step, when its results are there."""
        if not self._ends:
            self.startup_seconds = process_seconds()
        self._ends.append(time.perf_counter())

    @property
    def step_seconds(self) -> list[float]:
        """From the end of one step to the end of the next, for the measured steps."""
        ends = self._ends[self._warmup : self.laps]
        return [b - a for a, b in zip(ends, ends[1:], strict=False)]

    @property
    def data_wait_seconds(self) -> list[float] | None:
        """The part of `step_seconds` before `begin`."""
        if not self._begins:
            return None
        first = self._warmup
        pairs = zip(self._ends[first:], self._begins[first + 1 : self.laps], strict=False)
        return [begin - end for end, begin in pairs]


def process_seconds() -> float:
    """Age of this process; where the system does not tell, the time since this import."""
    try:
        # What stands behind the last parenthesis is free of the program's name.
        fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):
        return time.perf_counter() - _IMPORTED


def peak_memory() -> int:
    """Most bytes of physical memory that this process has held."""
    try:
        status = pathlib.Path("/proc/self/status").read_text().splitlines()
        # Unlike `ru_maxrss` it does not hold what the parent process had when it started this one.
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def available_cpus() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
