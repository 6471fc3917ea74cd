import io
import sys

import pytest

from darts_tf.common import progress as common_progress
from darts_tf.search import callbacks, time_left


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now

    monotonic = perf_counter


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(time_left, "time", found)
    return found


def progress(epochs, steps=None, **options):
    callback = callbacks.TimeLeft(["loss", "missing"], **options)
    callback.set_params({"epochs": epochs, "steps": steps})
    callback.on_train_begin()
    return callback


def run_epoch(callback, clock, epoch, seconds, validation=0.0, start=0):
    """An epoch whose steps take so many seconds."""
    callback.on_epoch_begin(epoch)
    for step, duration in enumerate(seconds, start=start):
        clock.now += duration
        callback.on_train_batch_end(step)
    clock.now += validation
    callback.on_epoch_end(epoch, {"loss": 0.25})


def test_a_line_an_epoch(capsys, clock):
    callback = progress(400)
    for epoch, seconds in enumerate([60.0, 10.0, 10.0]):
        callback.on_epoch_begin(epoch)
        clock.now += seconds
        callback.on_epoch_end(epoch, {"loss": 0.25})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "building the graph; the first step takes longest"
    assert lines[1] == "epoch 1/400  loss 0.2500  60.0 s, about 6 h 39 min left"
    assert lines[2].endswith("10.0 s, about 1 h 6 min left")
    assert lines[3].startswith("epoch 3/400")


def test_the_first_step_is_not_in_the_estimate_of_the_first_epoch(capsys, clock):
    # The first step takes 60 s, the three others 2 s each; an epoch has 5, this one went on.
    run_epoch(progress(3, 5, seconds=100.0), clock, 0, [60.0, 2.0, 2.0, 2.0], start=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "building the graph; the first step takes longest (3 epochs of 5 steps)",
        "epoch 1/3  loss 0.2500  66.0 s, about 20 s left",
    ]


def test_steps_of_a_long_epoch_in_a_log_file(capsys, clock):
    """900 steps of 2 s after one of 30 s: lines at 30, 40, 50, 62, ... s, then ever rarer."""
    callback = progress(50, 901)
    run_epoch(callback, clock, 0, [30.0] + 900 * [2.0], validation=300.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("(50 epochs of 901 steps)")
    assert lines[1] == ("epoch 1/50, step 1/901: this step took 30 s, the next ones take less")
    # 5 steps later 895 are left of the epoch, and 49 epochs of 901 steps.
    assert lines[2] == (
        "epoch 1/50, step 6/901: 2 s a step, about 29 min 50 s left of this epoch, "
        "25 h 1 min in all"
    )
    # Each after a quarter more of the time: 50 * 1.25^n.
    assert len(lines) < 30
    assert lines[-1].startswith("epoch 1/50  loss 0.2500  2130.0 s, about ")
    # The second epoch is measured, validation included: 1,800 s and 300 s; the third knows.
    run_epoch(callback, clock, 1, 901 * [2.0], validation=298.0)
    capsys.readouterr()
    callback.on_epoch_begin(2)
    clock.now += 20.0
    callback.on_train_batch_end(0)
    clock.now += 20.0
    callback.on_train_batch_end(10)
    (first, second) = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 3/50, step 1/901: this step took 20 s")
    # 890 steps of 2 s, and 47 epochs of 2,100 s.
    assert second == (
        "epoch 3/50, step 11/901: 2 s a step, about 29 min 40 s left of this epoch, "
        "27 h 54 min in all"
    )


def test_the_last_step_says_what_follows(capsys, clock):
    run_epoch(progress(2, 3, what="trial 1"), clock, 0, [1.0, 1.0, 20.0])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "trial 1: epoch 1/2, step 3/3: 10.5 s a step; now the validation",
        "trial 1: epoch 1/2  loss 0.2500  22.0 s, about 32 s left",
    ]


def test_short_epochs_say_nothing_in_between(capsys, clock):
    callback = progress(2, 100)
    for epoch in range(2):
        run_epoch(callback, clock, epoch, 100 * [0.09])
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_steps_of_one_of_many(monkeypatch, caplog, clock):
    """30 steps of 4 s: a line every 15 s, the rest from all steps so far."""
    monkeypatch.setattr(common_progress, "time", clock)
    callback = time_left.StepsLeft("candidate 3")
    callback.set_params({"epochs": 3, "steps": 10})
    with caplog.at_level("INFO", logger="absl"):
        callback.on_train_begin()
        for step in range(30):
            clock.now += 4.0
            callback.on_train_batch_end(step % 10)
    assert caplog.messages[0] == "4 of 30 steps of candidate 3, about 1 min 44 s left"
    assert len(caplog.messages) == 7


def test_one_line_of_a_terminal_is_overwritten(monkeypatch, clock):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    callback = progress(2, 40)
    run_epoch(callback, clock, 0, [12.0] + 39 * [0.5])
    written = sys.stdout.getvalue()
    first, *shown = written.split("\n")[1].split("\r")[1:-1]
    assert first == "epoch 1/2, step 1/40: this step took 12 s, the next ones take less"
    # Every second.
    assert [text.split(":")[0] for text in shown[:2]] == [
        *("epoch 1/2, step 3/40", "epoch 1/2, step 5/40"),
    ]
    # Each hides the one before, and the epoch's line comes after an empty one.
    assert len(shown[0]) >= len(first) and not shown[-1].strip()
    assert written.endswith("\repoch 1/2  loss 0.2500  31.5 s, about 20 s left\n")
