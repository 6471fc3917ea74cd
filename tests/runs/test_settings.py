import pytest

from darts_tf.runs.settings import Changeable, Extension, first_difference

BEFORE = {"epochs": 3, "seed": 0, "table": None}


def test_first_difference():
    assert first_difference(BEFORE, dict(BEFORE)) is None
    assert first_difference(BEFORE, {**BEFORE, "seed": 1}) == "seed was 0 and is now 1"
    assert first_difference(BEFORE, {"epochs": 3, "table": None}) == "seed was 0 and is now None"


def test_nothing_may_change_by_default():
    now = {**BEFORE, "epochs": 4}
    assert Changeable().difference(BEFORE, now) == "epochs was 3 and is now 4"
    assert Changeable().extensions(BEFORE, now) == []


@pytest.mark.parametrize(
    "change, difference",
    [
        ({"table": "t.csv"}, None),
        ({"epochs": 4}, None),
        ({"epochs": 4, "table": "t.csv"}, None),
        ({"epochs": 4, "seed": 1}, "seed was 0 and is now 1"),
        ({"epochs": 2}, "epochs was 3 and is now 2, and can only be raised"),
        ({"epochs": None}, "epochs was 3 and is now None, and can only be raised"),
        ({"epochs": True}, "epochs was 3 and is now True, and can only be raised"),
    ],
)
def test_what_may_change(change, difference):
    changeable = Changeable(free=("table",), raised=("epochs",))
    assert changeable.difference(BEFORE, {**BEFORE, **change}) == difference


def test_a_reason():
    changeable = Changeable(raised=("epochs",), reasons={"seed": "because"})
    assert (
        changeable.difference(BEFORE, {**BEFORE, "seed": 1}) == "seed was 0 and is now 1, because"
    )
    assert "and can only be raised" in changeable.difference(BEFORE, {**BEFORE, "epochs": 1})


def test_extensions():
    changeable = Changeable(raised=("epochs", "candidates"), unwritten={"candidates": 20})
    now = {**BEFORE, "epochs": 5, "candidates": 21}
    expected = [Extension("epochs", 3, 5), Extension("candidates", 20, 21)]
    assert changeable.extensions(BEFORE, now) == expected
    assert changeable.difference(BEFORE, now) is None
    assert changeable.extensions(BEFORE, {**now, "epochs": 3, "candidates": None}) == []


def test_what_an_earlier_version_left_out():
    now = {**BEFORE, "crop": True, "flip": False}
    assert Changeable().difference(BEFORE, now) == "crop was None and is now True"
    changeable = Changeable(unwritten={"crop": True, "flip": True})
    assert changeable.difference(BEFORE, {**BEFORE, "crop": True}) is None
    assert changeable.difference({**BEFORE, "flip": None}, now) == "flip was True and is now False"
    assert changeable.difference({**BEFORE, "flip": False}, now) is None
