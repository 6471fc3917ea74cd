import numpy as np
import pytest

from darts_tf import relaxations
from darts_tf.common.errors import UserError
from darts_tf.relaxations import Relaxation, Softmax, Start


def test_rows(space, alpha):
    got = Softmax().weights(space, "normal", {"alpha": alpha})
    powers = np.exp(alpha.numpy())
    np.testing.assert_allclose(got, powers / powers.sum(-1, keepdims=True), rtol=1e-5)


def test_variables(space):
    assert Softmax().variables(space) == {"alpha": Start((14, 8), 0.0, 1e-3)}
    assert Softmax().penalty(space, "normal", {}) is None


def test_a_constant_on_one_edge_changes_nothing(space, alpha):
    moved = alpha.numpy()
    moved[3] += 2.0
    one, other = (Softmax().weights(space, "normal", {"alpha": a}) for a in (alpha, moved))
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_look_up():
    assert isinstance(relaxations.get("softmax"), Softmax)
    with pytest.raises(UserError, match="unknown relaxation 'hard'; expected one of softmax"):
        relaxations.get("hard")


def test_register():
    class Mine(Relaxation):
        pass

    mine = relaxations.register("mine", Mine())
    try:
        assert relaxations.get("mine") is mine and "mine" in relaxations.names()
        assert relaxations.register("mine", mine) is mine
        again = relaxations.register("mine", Mine())
        assert relaxations.get("mine") is again is not mine
        with pytest.raises(UserError, match="another relaxation named 'mine'"):
            relaxations.register("mine", Softmax())
    finally:
        relaxations._RELAXATIONS._entries.pop("mine")
