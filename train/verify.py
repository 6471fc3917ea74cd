"""Checks the mathematics of this package on this machine and this TensorFlow.

    python -m train.verify

prints a table: what is claimed, the true value, what was measured here, the tolerance. The true
values were derived by hand or are central differences. The exit code is 1 when a claim fails. Run
it first after a change of TensorFlow or Keras.
"""

import dataclasses
import json
import math
import sys

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import versions
from train import program

_JSON = flags.DEFINE_bool("json", False, "Print JSON instead of a table.")
_ONLY = flags.DEFINE_string("only", "", "Check only the claims whose name contains this text.")
_KINKS = flags.DEFINE_bool(
    "kinks",
    False,
    "Instead of the claims, measure how far equation 8 of DARTS (finite_difference) is from the "
    "exact hypergradient, with ReLUs and max pooling and without. There is no right or wrong here.",
)
_PRECISION = flags.DEFINE_bool(
    "precision",
    False,
    "Instead of the claims, measure what computing in 16 bits does to equation 8 of DARTS.",
)

_COLUMNS = "{:<5} {:<81} {:<26} {:<26} {}"


def main() -> None:
    """Checks the claims that the flags choose; exits with 1 if one is not met."""
    chosen = [
        measure
        for flag, measure in ((_KINKS, _measure_kinks), (_PRECISION, _measure_precision))
        if flag.value
    ]
    if chosen:
        if _ONLY.value or len(chosen) > 1:
            raise UserError(
                "--only chooses claims, --kinks and --precision check none; give one of the three"
            )
        chosen[0]()
        return

    from darts_tf import verification

    claims = [claim for claim in verification.CLAIMS if _ONLY.value in claim.name]
    if not claims:
        raise UserError(f"--only={_ONLY.value}: no claim has that in its name")
    _print_head()
    _print_row(_COLUMNS.format("", "claim", "expected", "measured", "tolerance"))
    results = []
    for claim in claims:
        results.append(result := verification.check(claim))
        _print_row(_row(result))
    failed = [result.claim for result in results if not result.passed]
    if _JSON.value:
        _print_json(passed=not failed, claims=[dataclasses.asdict(result) for result in results])
    else:
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


def _measure_kinks() -> None:
    from darts_tf.verification import kinks

    _print_head()
    _print_row(
        "Distance from the exact hypergradient (unrolled), relative to its norm; tiny supernets, "
        "float64"
    )
    columns = "{:<26} {:>4} {:>13}" + " {:>20}" * len(kinks.RADII)
    _print_row(
        columns.format("", "seed", "first_order", *(f"eq. 8, radius {r:g}" for r in kinks.RADII))
    )
    measured = []
    for distance in kinks.distances():
        measured.append(distance)
        _print_row(
            columns.format(
                "softplus, average pooling" if distance.smooth else "ReLU, max pooling",
                distance.seed,
                *(f"{x:.2e}" for x in (distance.first_order, *distance.finite_difference)),
            )
        )
    if _JSON.value:
        _print_json(radii=kinks.RADII, distances=[distance._asdict() for distance in measured])


def _measure_precision() -> None:
    from darts_tf.verification import precision

    _print_head()
    _print_row(
        "Distance from the exact values in float64, relative to their norm; tiny supernets with "
        "softplus and average pooling"
    )
    columns = "{:<16} {:>4} {:>13} {:>13} {:>26}"
    _print_row(
        columns.format("layers", "seed", "first_order", "equation 8", "its second-order term alone")
    )
    measured = []
    for loss in precision.losses():
        measured.append(loss)
        _print_row(columns.format(loss.policy, loss.seed, *(f"{x:.2e}" for x in loss[2:])))
    if _JSON.value:
        _print_json(losses=[loss._asdict() for loss in measured])


def _print_head() -> None:
    _print_row(", ".join(f"{name} {version}" for name, version in versions().items()))


def _print_row(text: str) -> None:
    if not _JSON.value:
        print(text.rstrip(), flush=True)


def _print_json(**content) -> None:
    print(json.dumps(_without_nan({"versions": versions(), **content}), indent=2))


def _without_nan(value):
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    program.run(main)
