import json
import sys

import pytest

from darts_tf.benchmark import comparison
from darts_tf.benchmark.comparison import Configuration, Spread
from darts_tf.benchmark.measurement import Measurement
from darts_tf.common.errors import UserError


def measured(step, startup=10.0, memory=2_000_000_000):
    return Measurement([step, step, 50 * step, step / 2, step], startup, memory, 1, "none", 2)


def program(name, code):
    return Configuration(name, [sys.executable, "-c", code])


def prints(name, *steps):
    """A program whose runs say how often it has been run."""
    values = json.dumps(Measurement([*steps], 1.0, 7, 1, "none", 2).to_dict())
    return program(name, f"print('a word before'); print({values!r})")


OURS = [measured(2.0, 20.0), measured(3.0, 22.0), measured(2.5, 30.0)]
PEER = [measured(4.0), measured(5.0), measured(4.5)]


def test_summary_is_over_the_medians_of_the_runs():
    summary = comparison.summary(OURS)
    assert summary["median_step_seconds"] == Spread(2.5, 2.0, 3.0)
    assert summary["startup_seconds"] == Spread(22.0, 20.0, 30.0)
    assert summary["peak_memory_bytes"] == Spread(2e9, 2e9, 2e9)


def test_ratios():
    ratios = comparison.ratios(OURS, PEER)
    # 2/4, 3/5 and 2.5/4.5.
    assert ratios["median_step_seconds"] == Spread(2.5 / 4.5, 0.5, 0.6)
    assert ratios["startup_seconds"] == Spread(2.2, 2.0, 3.0)
    assert ratios["peak_memory_bytes"] == Spread(1, 1, 1)


def test_a_machine_that_becomes_fast_between_two_runs():
    """Ours are as fast as the peer by their medians, but in four of five pairs they are faster."""
    ours = [measured(x) for x in (3.0, 3.0, 3.0, 1.5, 1.5)]
    peer = [measured(x) for x in (6.0, 6.0, 3.0, 3.0, 3.0)]
    assert comparison.ratios(ours, peer)["median_step_seconds"] == Spread(0.5, 0.5, 1.0)


def test_table():
    lines = comparison.as_text({"ours": OURS, "peer": PEER}, "peer").splitlines()
    assert lines[0].split() == ["step,", "s", "start-up,", "s", "peak", "memory,", "GB"]
    assert lines[1].startswith("ours         2.50 (2.00 to 3.00)     22.00 (20.00 to 30.00)")
    assert lines[3].startswith("ours / peer  0.556 (0.500 to 0.600)  2.20 (2.00 to 3.00)")
    assert len(lines) == 4


def test_json():
    result = json.loads(json.dumps(comparison.to_dict({"ours": OURS, "peer": PEER}, "peer")))
    assert result["reference"] == "peer"
    ours = result["configurations"]["ours"]
    assert ours["summary"]["median_step_seconds"] == {"median": 2.5, "lowest": 2.0, "highest": 3.0}
    assert ours["ratio_to_reference"]["startup_seconds"]["median"] == pytest.approx(2.2)
    assert [Measurement(**run) for run in ours["runs"]] == OURS


def test_runs_alternate():
    lines = []
    results = comparison.alternate([prints("a", 1.0, 3.0), prints("b", 5.0)], 2, lines.append)
    assert [line.split(":")[0] for line in lines] == [
        "run 1 of 2, a",
        "run 1 of 2, b",
        "run 2 of 2, a",
        "run 2 of 2, b",
    ]
    assert [m.median_step_seconds for m in results["a"]] == [2.0, 2.0]
    assert lines[0].endswith("step 2.00 (1.00 to 3.00) s, start-up 1.0 s, peak memory 0.00 GB")


def test_turns_of_processes_that_live_at_the_same_time(tmp_path):
    """Each has started before the first turn, and measures while the other waits."""
    log = tmp_path / "log"
    code = f"""
import json
from darts_tf.benchmark.measurement import Measurement, Stopwatch
def log(word):
    with open({str(log)!r}, "a") as file:
        print("%s", word, file=file)
stopwatch = Stopwatch(2, 1, turns=3)
while not stopwatch.finished:
    log("step")
    stopwatch.lap()
print(json.dumps(Measurement(%s, 1.0, 7, 1, "none", 2, turns=stopwatch.turns).to_dict()))
import sys; assert sys.argv[1:] == ["--takes_turns=3"]
"""
    values = {"a": [1.0, 2.0, 3.0, 3.0, 5.0, 5.0], "b": [2.0, 4.0, 4.0, 4.0, 5.0, 5.0]}
    programs = [program(name, code % (name, steps)) for name, steps in values.items()]
    lines = []
    results = comparison.alternate(programs, 1, lines.append, turns=3)
    assert (
        log.read_text().split("\n")[:-1]
        == ["a step"] * 2 + ["b step"] * 2 + (["a step"] * 2 + ["b step"] * 2) * 3
    )
    assert [line.split(":")[0] for line in lines] == ["run 1 of 1, a", "run 1 of 1, b"]
    assert comparison.summary(results["a"])["median_step_seconds"] == Spread(3.0, 1.5, 5.0)
    ratio = comparison.ratios(results["a"], results["b"])["median_step_seconds"]
    assert ratio == Spread(0.75, 0.5, 1.0)


def test_a_run_that_fails_at_its_turn():
    good = "from darts_tf.benchmark.measurement import wait_for_turn as w; w(); w()"
    bad = "from darts_tf.benchmark.measurement import wait_for_turn; wait_for_turn(); 1 / 0"
    with pytest.raises(UserError, match="the run 'bad' failed: ZeroDivisionError"):
        comparison.alternate([program("bad", bad), program("good", good)], 1, turns=2)


@pytest.mark.parametrize(
    "code, reason",
    [
        ("import sys; print('news\\nerror: bad flag', file=sys.stderr); sys.exit(2)", "bad flag"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", "the memory was not enough"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_a_run_that_fails(code, reason):
    with pytest.raises(UserError, match=f"the run 'bad' failed: .*{reason}"):
        comparison.run(program("bad", code))
