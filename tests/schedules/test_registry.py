import pytest

from darts_tf import schedules
from darts_tf.common.errors import UserError
from darts_tf.methods import Method
from darts_tf.schedules import GreedyDecisions, Linear, SkipDropout, SkipStop, WarmUp


@pytest.mark.parametrize(
    "schedule",
    [Linear(1.0, 0.5), WarmUp(3, 5), SkipDropout(0.4, WarmUp(1, 5)), GreedyDecisions(True)],
)
def test_a_configuration_is_read_again(schedule):
    written = schedules.serialize(schedule)
    assert written["class_name"] == type(schedule).__name__
    assert schedules.get(written) == schedule


def test_names():
    assert schedules.get("skip_stop") == schedules.get(SkipStop) == SkipStop()
    assert schedules.serialize(SkipStop()) == schedules.label(SkipStop()) == "skip_stop"
    assert {"linear", "warm_up", "eigenvalue_stop"} <= set(schedules.names())

    def own(epoch, epochs):
        return 0.5

    assert schedules.get(own) is schedules.serialize(own) is own


def test_what_is_none():
    with pytest.raises(UserError, match="unknown schedule 'cosine'; expected one of linear"):
        schedules.get("cosine")
    with pytest.raises(UserError, match="schedule of the arguments {} does not fit Linear"):
        schedules.get("linear")
    with pytest.raises(UserError, match="expected a schedule: a name .*; got 3"):
        schedules.get(3)


def test_a_method_takes_configurations():
    method = Method(
        "mine",
        "first_order",
        "paper",
        controls={"warm_up": {"class_name": "WarmUp", "config": {"frozen": 1, "of": 2}}},
    )
    assert method.warm_up == WarmUp(1, 2)
    assert [method.is_frozen(epoch, 4) for epoch in range(4)] == [True, True, False, False]
