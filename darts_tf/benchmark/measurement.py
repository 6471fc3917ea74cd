"""The measurement of one run. Plain Python, so that peers in other frameworks use it."""

import dataclasses
import os
import pathlib
import resource
import statistics
import sys
import time

from darts_tf.common.errors import UserError

_IMPORTED = time.perf_counter()


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The measurement of one process.

    Attributes:
        step_seconds: one number for each step after the warm-up.
        startup_seconds: from the start of the process to the end of its first step.
        peak_memory_bytes: most memory that the process ever held, libraries included.
        weights: number of trained weights; the architecture variables are not counted.
        library: framework and version.
        threads: CPU threads that operations run on.
        data_wait_seconds: for each of the steps, how long it waited for its batches; None where
            that cannot be told from the step.
        estimated_memory_bytes: what `darts_tf.costs.memory` expected before the run, or None.
        turns: in how many equal parts, one after another, the steps were measured.
        step_cpu_seconds: processor time of all threads for each of the steps, which other work on
            the machine changes little; None if it was not measured.
    """

    step_seconds: list[float]
    startup_seconds: float
    peak_memory_bytes: int
    weights: int
    library: str
    threads: int
    data_wait_seconds: list[float] | None = None
    estimated_memory_bytes: int | None = None
    turns: int = 1
    step_cpu_seconds: list[float] | None = None

    def to_dict(self) -> dict:
        """The attributes, for JSON."""
        return dataclasses.asdict(self)

    @property
    def median_step_seconds(self) -> float:
        """The median of `step_seconds`."""
        return statistics.median(self.step_seconds)

    @property
    def turn_medians(self) -> list[float]:
        """The median of the steps of each turn."""
        return self._medians(self.step_seconds)

    @property
    def turn_cpu_medians(self) -> list[float] | None:
        """The median of the steps' processor time of each turn."""
        return None if self.step_cpu_seconds is None else self._medians(self.step_cpu_seconds)

    def _medians(self, values) -> list[float]:
        count = len(values) // self.turns
        by_turn = [values[i * count : (i + 1) * count] for i in range(self.turns)]
        return [statistics.median(part) for part in by_turn]


#: What a process prints when it waits for its turn.
YOUR_TURN = "waiting for its turn"


def wait_for_turn() -> None:
    """Says that it waits, and returns when there is a line on the standard input.

    Raises:
        UserError: the standard input has ended.
    """
    print(YOUR_TURN, flush=True)
    if not sys.stdin.readline():
        raise UserError("--takes_turns: nobody gave this process its turn; leave it out")


class Stopwatch:
    """Tells the first step, the warm-up and the measured steps of this process apart.

    Args:
        steps: steps to measure.
        warmup: steps between the first one, which also builds graphs, and the measured ones.
        turns: how often to measure so many steps; above 1 `wait_for_turn` comes before each time.

    Example:
        >>> stopwatch = Stopwatch(steps=10, warmup=2)
        >>> while not stopwatch.finished:
        ...     step()
        ...     stopwatch.lap()
        >>> stopwatch.step_seconds
    """

    def __init__(self, steps: int, warmup: int, turns: int = 1):
        self.laps = 1 + warmup + steps * turns
        self.turns = turns
        self._steps = steps
        self._unmeasured = 1 + warmup
        self._count = 0
        self._last = self._last_cpu = None
        self._waits = []
        self.startup_seconds = None
        #: From the end of one step to the end of the next, for the measured steps.
        self.step_seconds: list[float] = []
        #: The processor time of the same.
        self.step_cpu_seconds: list[float] = []

    @property
    def finished(self) -> bool:
        """Whether all steps have been run."""
        return self._count >= self.laps

    def begin(self) -> None:
        """Call when a step has its data; without it no waiting is measured."""
        if self._count >= self._unmeasured:
            self._waits.append(time.perf_counter() - self._last)

    def lap(self) -> None:
        """Call at the end of every step, when its results are there."""
        now, cpu = time.perf_counter(), time.process_time()
        if self._count == 0:
            self.startup_seconds = process_seconds()
        if self._count >= self._unmeasured:
            self.step_seconds.append(now - self._last)
            self.step_cpu_seconds.append(cpu - self._last_cpu)
        self._count += 1
        measured = self._count - self._unmeasured
        if self.turns > 1 and measured >= 0 and measured % self._steps == 0 and not self.finished:
            wait_for_turn()
            now, cpu = time.perf_counter(), time.process_time()
        self._last, self._last_cpu = now, cpu

    @property
    def data_wait_seconds(self) -> list[float] | None:
        """The part of `step_seconds` before `begin`."""
        return self._waits or None


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
