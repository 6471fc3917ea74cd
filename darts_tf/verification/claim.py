"""Claims, and how they are checked."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from darts_tf.common.errors import reason


@dataclasses.dataclass(frozen=True)
class Claim:
    """Numbers that this installation must reproduce.

    Attributes:
        name: what is claimed, in a few words; one claim has it.
        expected: the true values. They are derived by hand, or 0 where an error is measured.
        tolerance: largest allowed difference of an entry of `measure()` from its expected value.
        measure: computes the values on this machine.
    """

    name: str
    expected: tuple[float, ...]
    tolerance: float
    measure: Callable[[], Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Result:
    """A claim that was checked.

    Attributes:
        claim: its name.
        expected, tolerance: as in `Claim`.
        measured: what came out; empty if there was an error.
        passed: whether every entry is within the tolerance. Not-a-number never is.
        error: the first line of an exception, or None.
    """

    claim: str
    expected: tuple[float, ...]
    measured: tuple[float, ...]
    tolerance: float
    passed: bool
    error: str | None = None


def check(claim: Claim) -> Result:
    """Measures a claim. An exception fails it, because a new TensorFlow may refuse an operation."""
    try:
        measured = tuple(float(x) for x in claim.measure())
    except Exception as error:
        found = f"{type(error).__name__}: {reason(error)}"
        return Result(claim.name, claim.expected, (), claim.tolerance, False, found)
    passed = len(measured) == len(claim.expected) and bool(
        np.all(np.abs(np.subtract(measured, claim.expected)) <= claim.tolerance)
    )
    return Result(claim.name, claim.expected, measured, claim.tolerance, passed)
