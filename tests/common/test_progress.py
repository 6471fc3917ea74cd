import pytest
from absl import logging

from darts_tf.common import progress
from darts_tf.common.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (75, "1 min 15 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_a_line_every_so_often_and_none_at_the_end(monkeypatch):
    lines, clock = [], [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(logging, "info", lambda text, *args: lines.append(text % args))
    work = Progress("networks measured", 10, seconds=15)
    for _ in range(10):
        clock[0] += 6
        work.advance()
    # After 18, 36 and 54 seconds; 6 seconds a network.
    assert lines == [
        "3 of 10 networks measured, about 42 s left",
        "6 of 10 networks measured, about 24 s left",
        "9 of 10 networks measured, about 6 s left",
    ]
