import subprocess
import sys
import time

import pytest

from darts_tf.benchmark import measurement
from darts_tf.benchmark.measurement import Measurement, Stopwatch


@pytest.fixture
def clock(monkeypatch):
    """Sets what `time.perf_counter` says."""
    now = [0.0]
    monkeypatch.setattr(measurement.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(measurement, "process_seconds", lambda: 100 + now[0])

    def set_to(value):
        now[0] = value

    return set_to


class TestStopwatch:
    def run(self, clock, stopwatch, steps):
        for begin, end in steps:
            clock(begin)
            stopwatch.begin()
            assert not stopwatch.finished
            clock(end)
            stopwatch.lap()

    def test_start_up_and_warm_up_are_no_steps(self, clock):
        stopwatch = Stopwatch(steps=2, warmup=1)
        assert stopwatch.laps == 4
        self.run(clock, stopwatch, [(1, 30), (31, 35), (35.5, 37), (37.25, 40)])
        assert stopwatch.finished
        assert stopwatch.startup_seconds == 130
        assert stopwatch.step_seconds == [2, 3]
        assert stopwatch.data_wait_seconds == [0.5, 0.25]

    def test_without_warm_up(self, clock):
        stopwatch = Stopwatch(steps=1, warmup=0)
        self.run(clock, stopwatch, [(0, 10), (10, 12)])
        assert (stopwatch.startup_seconds, stopwatch.step_seconds) == (110, [2])

    def test_the_time_between_turns_belongs_to_no_step(self, clock, monkeypatch):
        starts = iter([100, 200])
        monkeypatch.setattr(measurement, "wait_for_turn", lambda: clock(next(starts)))
        stopwatch = Stopwatch(steps=2, warmup=0, turns=2)
        assert stopwatch.laps == 5
        steps = [(1, 30), (100.5, 101), (101.25, 103), (200.5, 204), (204, 209)]
        self.run(clock, stopwatch, steps)
        assert stopwatch.step_seconds == [1, 2, 4, 5]
        assert stopwatch.data_wait_seconds == [0.5, 0.25, 0.5, 0]
        assert stopwatch.finished and next(starts, None) is None

    def test_waiting_is_unknown_without_begin(self):
        stopwatch = Stopwatch(steps=1, warmup=0)
        stopwatch.lap()
        stopwatch.lap()
        assert stopwatch.data_wait_seconds is None and len(stopwatch.step_seconds) == 1


def test_process_seconds_counts_from_the_start_of_the_process():
    code = (
        "import time; time.sleep(0.3); from darts_tf.benchmark import measurement as m; "
        "print(m.process_seconds())"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    elapsed = time.perf_counter() - start
    assert 0.28 < float(done.stdout) < elapsed + 0.02


def test_peak_memory_is_what_was_held_once():
    code = (
        "from darts_tf.benchmark import measurement as m; before = m.peak_memory(); "
        "x = bytearray(b'1') * 100_000_000; del x; print(m.peak_memory() - before)"
    )
    # A parent that holds much itself must not count.
    own = bytearray(b"1") * 300_000_000
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert len(own) and 95e6 < int(done.stdout) < 120e6


def test_the_measuring_part_needs_no_framework():
    code = (
        "import sys, darts_tf.benchmark.measurement, darts_tf.benchmark.comparison; "
        "sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_measurement():
    values = Measurement([1.0, 3.0, 2.5], 20.0, 10, 5, "none", 1)
    assert values.median_step_seconds == 2.5
    assert Measurement(**values.to_dict()) == values
    turns = Measurement([1.0, 3.0, 2.5, 8.0, 7.0, 9.0], 20.0, 10, 5, "none", 1, turns=2)
    assert turns.turn_medians == [2.5, 8.0] and values.turn_medians == [2.5]
