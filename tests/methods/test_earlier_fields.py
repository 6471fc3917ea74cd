import dataclasses

import pytest

from darts_tf import methods, selections
from darts_tf.methods import Method
from darts_tf.schedules import Linear, WarmUp


def made(**fields):
    return Method("mine", "first_order", "paper", **fields)


def test_controls():
    line = Linear(1.0, 0.5)
    assert made(temperature=line) == made(controls={"temperature": line})
    assert made(temperature=None, warm_up=None) == made()
    both = made(controls={"warm_up": WarmUp(1, 2)}, auxiliary_skip=line)
    assert both.controls == {"warm_up": WarmUp(1, 2), "auxiliary_skip": line}
    assert (both.warm_up, both.auxiliary_skip, both.skip_dropout) == (WarmUp(1, 2), line, None)
    without = dataclasses.replace(both, warm_up=None)
    assert without.controls == {"auxiliary_skip": line}
    assert dataclasses.replace(both, auxiliary_skip=WarmUp(3, 4)).auxiliary_skip == WarmUp(3, 4)


def test_optimizers():
    method = made(nesterov=True, architecture_betas=(0.9, 0.99))
    assert method.nesterov and method.architecture_betas == (0.9, 0.99)
    assert method.make_weight_optimizer(10).nesterov
    optimizer = method.make_architecture_optimizer()
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.99, 1e-8)
    plain = dataclasses.replace(method, nesterov=False)
    assert not plain.nesterov and plain.architecture_betas == (0.9, 0.99)
    assert made().architecture_betas == (0.5, 0.999)


def test_order():
    assert made(weights_first=True).order == ("weights", "architecture")
    assert made(weights_first=True).weights_first and not made(weights_first=False).weights_first


def test_what_trains_nothing():
    assert methods.get("te-nas").trains is False and made(trains=True).trains
    method = made(selection="perturbation", trains=False)
    assert not method.trains and selections.needs_data(method.selection)
    assert dataclasses.replace(method, name="other").trains is False
    own = made(selection="training_free", trains=False)
    assert own.selection == "training_free" and not own.trains


def test_others_are_unknown():
    with pytest.raises(TypeError, match="unexpected keyword argument 'learning_rate'"):
        made(learning_rate=0.1)
