import numpy as np
import pytest

from darts_tf.verification import check, recurrent


@pytest.mark.parametrize("claim", recurrent.CLAIMS, ids=[c.name for c in recurrent.CLAIMS])
def test_claim(claim):
    result = check(claim)
    assert result.passed, result


def test_clipping_changes_the_hypergradient():
    """Both its point and its derivative; a constant factor would be another gradient."""
    clipped, whole = (recurrent.numeric_derivatives(c) for c in (0.25, 100.0))
    assert np.linalg.norm(clipped - whole) > 0.05 * np.linalg.norm(whole)
    first = recurrent.estimate(0.25, "first_order")
    assert np.linalg.norm(clipped - first) > 0.05 * np.linalg.norm(clipped)
