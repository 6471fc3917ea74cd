"""Checks the mathematics of this package on this machine and this TensorFlow.

    python -m train.verify

prints a table: what is claimed, the true value, what was measured here, the tolerance. The true
values were derived by hand or are central differences. The exit code is 1 when a claim fails. Run
it first after a change of TensorFlow or Keras.
"""

import dataclasses
import sys

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import verification
from darts_tf.common import json_text
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import versions
from darts_tf.verification import kinks, precision
from train import fields, program
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerifyConfig(Config):
    """The checks to make."""

    json: bool = fields.switch(False, "Print JSON instead of a table.")
    only: str = fields.text("", "Check only the claims whose name contains this text.")
    kinks: bool = fields.switch(
        False,
        "Instead of the claims, measure how far equation 8 of DARTS (finite_difference) is from "
        "the exact hypergradient, with ReLUs and max pooling and without. There is no right or "
        "wrong here.",
    )
    precision: bool = fields.switch(
        False,
        "Instead of the claims, measure what computing in 16 bits does to equation 8 of DARTS.",
    )


class _Report:
    """Prints lines as they come to be, or all numbers as JSON at the end.

    Args:
        as_json: which of the two.
    """

    def __init__(self, as_json: bool):
        self._as_json = as_json

    def head(self) -> None:
        """The line that says what the numbers were measured with."""
        self.row(", ".join(f"{name} {version}" for name, version in versions().items()))

    def row(self, text: str) -> None:
        """A line of the table."""
        if not self._as_json:
            print(text.rstrip(), flush=True)

    def end(self, **content) -> None:
        """All that was measured."""
        if self._as_json:
            print(json_text.dumps({"versions": versions(), **content}, indent=2))


_COLUMNS = "{:<5} {:<81} {:<26} {:<26} {}"


def main(config: VerifyConfig) -> None:
    """Checks the claims that the flags choose; exits with 1 if one is not met."""
    report = _Report(config.json)
    chosen = [
        measure
        for flag, measure in (
            (config.kinks, _measure_kinks),
            (config.precision, _measure_precision),
        )
        if flag
    ]
    if chosen:
        if config.only or len(chosen) > 1:
            raise UserError(
                "--only chooses claims, --kinks and --precision check none; give one of the three"
            )
        chosen[0](report)
        return

    claims = [claim for claim in verification.CLAIMS if config.only in claim.name]
    if not claims:
        raise UserError(f"--only={config.only}: no claim has that in its name")
    report.head()
    report.row(_COLUMNS.format("", "claim", "expected", "measured", "tolerance"))
    results = []
    for claim in claims:
        results.append(result := verification.check(claim))
        report.row(_row(result))
    failed = [result.claim for result in results if not result.passed]
    report.end(passed=not failed, claims=[dataclasses.asdict(result) for result in results])
    if not config.json:
        print(f"{len(claims) - len(failed)} of {len(claims)} claims hold")
        for name in failed:
            print(f"failed: {name}", file=sys.stderr)
    if failed:
        sys.exit(1)


def _row(result) -> str:
    return _COLUMNS.format(
        "pass" if result.passed else "FAIL",
        result.claim,
        _numbers(result.expected),
        result.error or _numbers(result.measured),
        f"{result.tolerance:.2g}",
    )


def _numbers(values) -> str:
    if len(values) > 2 and len(set(values)) == 1:
        return f"{len(values)} times {values[0]:.8g}"
    return ", ".join(f"{value:.8g}" for value in values)


def _measure_kinks(report: _Report) -> None:
    report.head()
    report.row(
        "Distance from the exact hypergradient (unrolled), relative to its norm; tiny supernets, "
        "float64"
    )
    columns = "{:<26} {:>4} {:>13}" + " {:>20}" * len(kinks.RADII)
    report.row(
        columns.format("", "seed", "first_order", *(f"eq. 8, radius {r:g}" for r in kinks.RADII))
    )
    measured = []
    for distance in kinks.distances():
        measured.append(distance)
        report.row(
            columns.format(
                "softplus, average pooling" if distance.smooth else "ReLU, max pooling",
                distance.seed,
                *(f"{x:.2e}" for x in (distance.first_order, *distance.finite_difference)),
            )
        )
    report.end(radii=kinks.RADII, distances=[distance._asdict() for distance in measured])


def _measure_precision(report: _Report) -> None:
    report.head()
    report.row(
        "Distance from the exact values in float64, relative to their norm; tiny supernets with "
        "softplus and average pooling"
    )
    columns = "{:<16} {:>4} {:>13} {:>13} {:>26}"
    report.row(
        columns.format("layers", "seed", "first_order", "equation 8", "its second-order term alone")
    )
    measured = []
    for loss in precision.losses():
        measured.append(loss)
        report.row(columns.format(loss.policy, loss.seed, *(f"{x:.2e}" for x in loss[2:])))
    report.end(losses=[loss._asdict() for loss in measured])


if __name__ == "__main__":
    program.run(main)
