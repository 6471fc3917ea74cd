import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.spaces.two_input_rnn import OPERATIONS
from darts_tf.supernets.growth.node_values import passing_on

RANDOM = np.random.default_rng(0)
EXPECTED = {
    "tanh": lambda u, v, s: np.tanh(u + v),
    "sigmoid": lambda u, v, s: 1 / (1 + np.exp(-u - v)),
    "relu": lambda u, v, s: np.maximum(u + v, 0),
    "identity": lambda u, v, s: u + v,
    "hadamard": lambda u, v, s: u * v,
    "gated": lambda u, v, s: s / (1 + np.exp(-u - v)),
}
X, S = RANDOM.normal(size=(4, 5)), RANDOM.normal(size=(4, 3))


def value(names, weights):
    """The node on arrays in float64; what keeps its value has a random one."""
    total = 0.0
    for (name, values), weight in zip(passing_on(names, weights, 3).items(), weights, strict=True):
        shapes = (5, 3), (3, 3), (3,)
        w, r, b = (
            RANDOM.normal(size=shape) if own is None else own + np.zeros(shape)
            for own, shape in zip(values, shapes, strict=True)
        )
        kind = name.split(":")[0]
        total = total + weight * EXPECTED[kind](X @ w + b * (kind != "hadamard"), S @ r, S)
    return total


@pytest.mark.parametrize("names", [OPERATIONS, OPERATIONS[:5], ("identity", "tanh:2", "gated:2")])
def test_the_node_is_its_predecessor(names):
    weights = RANDOM.dirichlet(np.ones(len(names)))
    np.testing.assert_allclose(value(names, weights), S, atol=1e-14)


def test_an_own_sum_of_weights():
    np.testing.assert_allclose(value(("identity", "sigmoid"), [0.3, 0.4]), S, atol=1e-14)


def test_what_cannot_pass_on():
    with pytest.raises(UserError, match="tanh, relu cannot pass .* needs identity"):
        passing_on(("tanh", "relu"), [0.5, 0.5], 3)
    with pytest.raises(UserError, match="nothing is known of swish"):
        passing_on(("identity", "swish"), [0.5, 0.5], 3)
