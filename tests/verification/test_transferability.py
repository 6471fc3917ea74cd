import numpy as np
import pytest

from darts_tf.verification import check, transferability

CLAIMS = transferability.CLAIMS


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claim, marks=[pytest.mark.thorough] if "net" in claim.name else [])
        for claim in CLAIMS
    ],
    ids=[claim.name for claim in CLAIMS],
)
def test_claim(claim):
    result = check(claim)
    assert result.passed, result


def test_the_path_through_the_auxiliary_matters():
    case = transferability.vectors()
    direct, whole = case.estimate("first_order"), case.estimate("unrolled")
    assert np.linalg.norm(whole - direct) > 0.1 * np.linalg.norm(whole)
