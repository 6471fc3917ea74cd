"""Runs configurations in turn, each in a fresh process, and sums up what they measured."""

import dataclasses
import json
import signal
import statistics
import subprocess
from collections.abc import Callable, Sequence

from darts_tf.benchmark.measurement import Measurement
from darts_tf.errors import UserError

#: What is compared: attribute of a run -> (heading, unit's size).
QUANTITIES = {
    "median_step_seconds": ("step, s", 1),
    "startup_seconds": ("start-up, s", 1),
    "peak_memory_bytes": ("peak memory, GB", 1e9),
}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Something to measure.

    Attributes:
        name: in tables.
        command: the program and its arguments; it prints a `Measurement` as JSON.
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


def run(configuration: Configuration) -> Measurement:
    """Measures a configuration in a process of its own.

    Raises:
        UserError: it failed; with the reason that it gave.
    """
    done = subprocess.run(
        configuration.command,
        env=configuration.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"the run {configuration.name!r} failed: {_reason(done)}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _reason(done) -> str:
    if done.returncode == -signal.SIGKILL:
        return "it was killed, most likely because the memory was not enough"
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    errors = [line for line in lines if line.startswith("error: ")]
    return errors[-1].removeprefix("error: ") if errors else lines[-1]


def alternate(
    configurations: Sequence[Configuration],
    runs: int,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, list[Measurement]]:
    """Runs all configurations in turn, `runs` times: the name of each -> its measurements.

    Args:
        configurations: two or more, of different names.
        runs: how often each of them is run.
        report: is told of every run that has ended, in a line.
    """
    results = {configuration.name: [] for configuration in configurations}
    for i in range(runs):
        for configuration in configurations:
            measurement = run(configuration)
            results[configuration.name].append(measurement)
            report(f"run {i + 1} of {runs}, {configuration.name}: {describe(measurement)}")
    return results


def describe(measurement: Measurement) -> str:
    """One run in a line."""
    steps = Spread.of(measurement.step_seconds)
    return (
        f"step {steps.text()} s, start-up {measurement.startup_seconds:.1f} s, "
        f"peak memory {measurement.peak_memory_bytes / 1e9:.2f} GB"
    )


def summary(measurements: Sequence[Measurement]) -> dict[str, Spread]:
    """Every quantity over several runs of one configuration."""
    return {name: Spread.of([getattr(m, name) for m in measurements]) for name in QUANTITIES}


def ratios(measurements: Sequence[Measurement], reference: Sequence[Measurement]) -> dict:
    """Every quantity in units of the reference's.

    The median is the ratio of the medians; lowest and highest are those of the ratios of two
    runs that followed each other, so that what slows the machine down for a while slows both.
    """
    result = {}
    for name in QUANTITIES:
        mine, its = ([getattr(m, name) for m in runs] for runs in (measurements, reference))
        pairs = [a / b for a, b in zip(mine, its, strict=True)]
        median = statistics.median(mine) / statistics.median(its)
        result[name] = Spread(median, min(pairs), max(pairs))
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


def table(results: dict[str, list[Measurement]], reference: str) -> str:
    """The summaries and the ratios as text."""
    rows = [["", *(heading for heading, _ in QUANTITIES.values())]]
    for name, measurements in results.items():
        spreads = summary(measurements)
        rows.append([name, *(spreads[q].text(unit) for q, (_, unit) in QUANTITIES.items())])
    for name, measurements in results.items():
        if name != reference:
            spreads = ratios(measurements, results[reference])
            rows.append([f"{name} / {reference}", *(s.text() for s in spreads.values())])
    return columns(rows)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(word.ljust(w) for word, w in zip(r, widths, strict=True)) for r in rows]
    return "\n".join(line.rstrip() for line in lines)
