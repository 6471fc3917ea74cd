import numpy as np
import pytest

from darts_tf.cells.recurrent.activations import activation
from darts_tf.common.errors import UserError
from darts_tf.spaces import DARTS_RNN


def test_the_candidates_of_darts():
    x = np.array([-1.0, 0.0, 2.0], "float32")
    expected = {
        "tanh": np.tanh(x),
        "relu": [0, 0, 2],
        "sigmoid": 1 / (1 + np.exp(-x)),
        "identity": x,
    }
    assert ("none", *expected) == DARTS_RNN.operations
    assert activation("none") is None
    for name, value in expected.items():
        np.testing.assert_allclose(activation(name)(x), value, rtol=1e-6)


def test_other_keras_activations_are_candidates_too():
    np.testing.assert_allclose(activation("softsign")(np.array([1.0])), [0.5])


def test_unknown():
    with pytest.raises(UserError, match="'sep_conv_3x3' is no operation of a recurrent cell"):
        activation("sep_conv_3x3")
