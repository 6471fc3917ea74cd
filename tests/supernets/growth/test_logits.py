import numpy as np
import pytest

from darts_tf.supernets.growth.logits import kept, shared


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def test_a_copy_has_half_of_the_weight():
    logits = np.log([0.2, 0.58076705, 0.21923295])
    weights = softmax(shared(logits, 1))
    expected = [0.2, 0.29038353, 0.21923295, 0.29038353]
    np.testing.assert_allclose(weights, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([0.04, 0.46, 0.5], [False, True, True]),
        ([0.04, 0.45, 0.51], [True, True, True]),
        ([0.04, 0.04, 0.04], [True, True, True]),
        ([0.01, 0.02, 0.03], [False, False, True]),
    ],
)
def test_small_weights_go_unless_the_edge_is_decided(weights, expected):
    np.testing.assert_array_equal(kept(weights), expected)


def test_the_rest_shares_what_goes():
    logits = np.log([0.04, 0.46, 0.5])
    np.testing.assert_allclose(softmax(logits[1:]), np.array([0.46, 0.5]) / 0.96)
