import json
import sys

import pytest

from darts_tf.benchmark import goals
from darts_tf.benchmark.comparison import Configuration, Spread
from darts_tf.benchmark.measurement import Measurement


def run_of(step, startup=15.0, memory=10):
    return Measurement([step], startup, memory, 1, "none", 2)


def program(name, run):
    code = f"print({json.dumps(run.to_dict())!r})"
    return Configuration(name, [sys.executable, "-c", code])


def test_every_goal_has_its_runs_in_one_group():
    for goal in goals.GOALS:
        (group,) = (group for group in goals.GROUPS if goal.flags in group.flags)
        assert goal.reference in (None, "peer", *group.flags)
    assert len({goal.text for goal in goals.GOALS}) == len(goals.GOALS)


@pytest.mark.parametrize("reference, expected", [("peer", 0.25), ("other", 0.5), (None, 1.0)])
def test_measured(reference, expected):
    goal = goals.Goal("a goal", 0.3, "ours", reference=reference)
    results = {"ours": [run_of(1.0)], "other": [run_of(2.0)]}
    spread = goals.measured(goal, results, [run_of(4.0)])
    assert spread == Spread(expected, expected, expected)


def test_measure(tmp_path):
    calls = []

    def configure(name, words):
        calls.append((name, words))
        return program(name, run_of(1.0, memory=8))

    def configure_peer(words):
        return program("peer", run_of(2.0 if "--method=darts-v1" in words else 5.0))

    path, lines = tmp_path / "goals.json", []
    spreads, record = goals.measure(configure, configure_peer, 2, lines.append, path)
    assert set(spreads) == {goal.text for goal in goals.GOALS}
    assert spreads["first-order search step"].median == 0.5
    assert spreads["second-order search step"].median == 0.2
    assert spreads["peak memory, first order, batch 64"].median == 0.8
    assert spreads["the same, second order"].median == 15
    assert json.loads(path.read_text()) == json.loads(json.dumps(record))
    assert (goals.LARGE, [*goals.LARGE.split(), "--steps=2", "--warmup=1"]) in calls
    table = goals.as_text(spreads)
    assert table.count(" met") + table.count(" missed") == len(goals.GOALS)
    (line,) = (x for x in table.splitlines() if x.startswith("first-order"))
    assert line.split() == ["first-order", "search", "step", "<=", "0.4", "0.500", "missed"]
