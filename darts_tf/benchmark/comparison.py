"""Runs configurations in turn, each in a fresh process, and sums up what they measured."""

import contextlib
import dataclasses
import json
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence

from darts_tf.benchmark.measurement import YOUR_TURN, Measurement
from darts_tf.common.errors import UserError

#: What is compared: attribute of a run -> (heading, unit's size).
QUANTITIES = {
    "median_step_seconds": ("step, s", 1),
    "median_step_cpu_seconds": ("step, CPU s", 1),
    "startup_seconds": ("start-up, s", 1),
    "peak_memory_bytes": ("peak memory, GB", 1e9),
}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Something to measure.

    Attributes:
        name: in tables.
        command: the program and its arguments; it prints a `Measurement` as JSON. With
            `--takes_turns=N` it calls `wait_for_turn` before each of N equal parts of its steps.
        environment: of the process; None for that of this one.
    """

    name: str
    command: Sequence[str]
    environment: dict | None = None


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of several numbers, the lowest and the highest."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sums up at least one number."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, unit: float = 1) -> str:
        """For tables: `2.10 (2.05 to 2.31)`."""
        median, lowest, highest = (_digits(x / unit) for x in dataclasses.astuple(self))
        return median if lowest == highest else f"{median} ({lowest} to {highest})"


def _digits(value: float) -> str:
    """Three significant digits or more."""
    places = 3 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    return f"{value:.{places}f}"


class _Process:
    """A process that measures a configuration, perhaps in turns; a context."""

    def __init__(self, configuration: Configuration, turns: int = 1):
        self._name = configuration.name
        self._last_line = ""
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed by __exit__
        self._process = subprocess.Popen(
            [*configuration.command, *([f"--takes_turns={turns}"] if turns > 1 else [])],
            env=configuration.environment,
            stdin=subprocess.PIPE if turns > 1 else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # What a failed process did not read of its turn can never be written.
        with contextlib.suppress(BrokenPipeError), self._process:
            self._process.kill()
        self._errors.close()

    def proceed(self) -> None:
        """Waits until it waits for its turn or has ended."""
        for line in self._process.stdout:
            if line.rstrip() == YOUR_TURN:
                return
            self._last_line = line

    def take_turn(self) -> None:
        """Lets it measure once, and waits for that."""
        # One that has failed takes no turn; `result` says why.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        self.proceed()

    def result(self) -> Measurement:
        """The measurement of the run, when it has ended.

        Raises:
            UserError: it failed; with the reason that it gave.
        """
        code = self._process.wait()
        if code:
            raise UserError(f"the run {self._name!r} failed: {self._reason(code)}")
        return Measurement(**json.loads(self._last_line))

    def _reason(self, code) -> str:
        if code == -signal.SIGKILL:
            return "it was killed, most likely because the memory was not enough"
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or [f"exit code {code}"]
        errors = [line for line in lines if line.startswith("error: ")]
        return errors[-1].removeprefix("error: ") if errors else lines[-1]


def run(configuration: Configuration) -> Measurement:
    """Measures a configuration in a process of its own.

    Raises:
        UserError: it failed; with the reason that it gave.
    """
    with _Process(configuration) as process:
        process.proceed()
        return process.result()


def alternate(
    configurations: Sequence[Configuration],
    runs: int,
    report: Callable[[str], None] = lambda line: None,
    turns: int = 1,
) -> dict[str, list[Measurement]]:
    """Runs all configurations in turn, `runs` times: the name of each -> its measurements.

    Args:
        configurations: two or more, of different names.
        runs: how often each of them is run.
        report: is told of every run that has ended, in a line.
        turns: above 1 the processes of a run live at the same time, and wait while another one
            measures its steps: start-up and memory are measured once, steps in so many turns.

    Raises:
        UserError: a run failed; with the reason that it gave.
    """
    results = {configuration.name: [] for configuration in configurations}
    for i in range(runs):
        together = [configurations] if turns > 1 else [[one] for one in configurations]
        for group in together:
            for configuration, measurement in zip(group, _measure(group, turns), strict=True):
                results[configuration.name].append(measurement)
                report(f"run {i + 1} of {runs}, {configuration.name}: {describe(measurement)}")
    return results


def _measure(configurations, turns) -> list[Measurement]:
    if turns == 1:
        return [run(configuration) for configuration in configurations]
    with contextlib.ExitStack() as stack:
        processes = []
        for configuration in configurations:
            processes.append(stack.enter_context(_Process(configuration, turns)))
            processes[-1].proceed()
        for _ in range(turns):
            for process in processes:
                process.take_turn()
        return [process.result() for process in processes]


def describe(measurement: Measurement) -> str:
    """One run in a line."""
    steps = Spread.of(measurement.step_seconds)
    return (
        f"step {steps.text()} s, start-up {measurement.startup_seconds:.1f} s, "
        f"peak memory {measurement.peak_memory_bytes / 1e9:.2f} GB"
    )


def _values(measurements: Sequence[Measurement], name: str) -> list[float]:
    """A quantity of several runs; of steps, one value a turn. Empty if a run did not measure it."""
    of_turns = {
        "median_step_seconds": lambda m: m.turn_medians,
        "median_step_cpu_seconds": lambda m: m.turn_cpu_medians,
    }
    read = of_turns.get(name, lambda m: [getattr(m, name)])
    found = [read(m) for m in measurements]
    return [] if None in found else [value for values in found for value in values]


def summary(measurements: Sequence[Measurement]) -> dict[str, Spread]:
    """Every quantity that was measured, over the runs and turns of one configuration."""
    values = {name: _values(measurements, name) for name in QUANTITIES}
    return {name: Spread.of(found) for name, found in values.items() if found}


def ratios(measurements: Sequence[Measurement], reference: Sequence[Measurement]) -> dict:
    """Every quantity in units of the reference's.

    Those of two runs or turns that followed each other, so that what slows the machine down for a
    while slows both.
    """
    result = {}
    for name in QUANTITIES:
        mine, its = (_values(runs, name) for runs in (measurements, reference))
        if mine and its:
            result[name] = Spread.of([a / b for a, b in zip(mine, its, strict=True)])
    return result


def to_dict(results: dict[str, list[Measurement]], reference: str) -> dict:
    """All runs, their summaries, and the ratios to the configuration `reference`, for JSON."""
    return {
        "reference": reference,
        "configurations": {
            name: {
                "runs": [m.to_dict() for m in measurements],
                "summary": _plain(summary(measurements)),
                "ratio_to_reference": _plain(ratios(measurements, results[reference])),
            }
            for name, measurements in results.items()
        },
    }


def _plain(spreads: dict[str, Spread]) -> dict:
    return {name: dataclasses.asdict(spread) for name, spread in spreads.items()}


def as_text(results: dict[str, list[Measurement]], reference: str) -> str:
    """The summaries and the ratios as text."""
    summaries = {name: summary(measurements) for name, measurements in results.items()}
    known = [q for q in QUANTITIES if all(q in spreads for spreads in summaries.values())]
    rows = [["", *(QUANTITIES[q][0] for q in known)]]
    for name, spreads in summaries.items():
        rows.append([name, *(spreads[q].text(QUANTITIES[q][1]) for q in known)])
    for name, measurements in results.items():
        if name != reference:
            spreads = ratios(measurements, results[reference])
            rows.append([f"{name} / {reference}", *(spreads[q].text() for q in known)])
    return columns(rows)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(word.ljust(w) for word, w in zip(r, widths, strict=True)) for r in rows]
    return "\n".join(line.rstrip() for line in lines)
