import dataclasses

import pytest

from darts_tf import gradients, methods
from darts_tf.common.errors import UserError
from darts_tf.gradients import NoStep
from darts_tf.methods import written


def test_none_stands_for_it():
    assert gradients.get(None) == NoStep() and gradients.label(None) == "none"
    assert gradients.serialize(None) is None
    assert "none" not in gradients.names()
    with pytest.raises(UserError, match="is made already; give steps where you make it"):
        gradients.get(None, steps=2)
    with pytest.raises(TypeError, match="takes no step of the architecture"):
        gradients.get(None)(None, None, None)


@pytest.mark.parametrize("name", ["random-ws", "te-nas"])
def test_methods_without_a_step(name):
    method = methods.get(name)
    assert method.gradient is None and not method.make_gradient().moves
    assert all(method.is_frozen(epoch, 5) for epoch in range(5))
    assert method.architecture_steps(5, 10) == 0
    moving = dataclasses.replace(method, gradient="first_order")
    assert moving.architecture_steps(5, 10) == 50


def test_checkpoints_of_earlier_versions_have_a_warm_up_that_never_ends():
    found = written.settings(methods.get("random-ws"))
    assert found["gradient"] == "first_order" and found["warm_up"] == {"frozen": 1, "of": 1}
