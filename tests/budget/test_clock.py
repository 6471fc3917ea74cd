import pytest

from darts_tf.budget import clock
from darts_tf.common.errors import UserError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("90s", 90), ("1h30m", 5400), ("2h", 7200), ("45", 45), (45, 45), ("0.5m", 30)],
)
def test_seconds(text, seconds):
    assert clock.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0m", "-5m", "15x", "nan", "1h30", "five"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UserError, match="expected a time such as 15m"):
        clock.seconds(text)


class Now:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def test_spent():
    now = Now()
    first = clock.Clock(now=now)
    now.seconds += 7
    assert first.spent == 7
    # A process that began 100 s ago, and a start that goes on after 50 s.
    assert clock.Clock(now=now, since=0.0).spent == 107
    later = clock.Clock(50.0, now)
    now.seconds += 3
    assert later.spent == 53


def test_where_work_counts_no_time_does():
    counted = clock.start("reference", None, since=0.0)
    assert counted.spent == 0
    assert counted.after(lambda: 2.5) == 2.5 and counted.after(lambda: 1.0) == 3.5
    later = clock.start("reference", 3.5, since=0.0)
    assert later.after(lambda: 1.0) == later.spent == 4.5


def test_where_time_counts_no_work_does(monkeypatch):
    now = Now()
    monkeypatch.setitem(clock.KINDS, "wall", now)

    def work():
        raise AssertionError("nobody needs to know it")

    assert clock.start("wall", None, since=40.0).after(work) == 60
    later = clock.start("wall", 5.0, since=40.0)
    now.seconds += 1
    assert later.after(work) == 6
