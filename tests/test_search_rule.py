import json
import types

import numpy as np
import pytest

from darts_tf import selections, spaces
from darts_tf.schedules.rules import Verdict
from darts_tf.search_rule import RuleFollower

SPACE = spaces.get("darts_cnn")


class Rule:
    """Writes down what it sees; decides an edge in epoch 1 and goes back in epoch 3."""

    memory = 3
    eigenvalue_every = 2

    def __init__(self):
        self.seen = []

    def __call__(self, observations, epochs, space):
        self.seen.append([o.epoch for o in observations])
        if observations[-1].epoch == 1:
            return Verdict(fixed=[("normal", 5, np.eye(8)[3]), ("reduce", 0, np.zeros(8))])
        if observations[-1].epoch == 3:
            return Verdict("enough", observations[0])
        return Verdict()


def make(rule):
    """A follower of a search whose weights change with every look, and what was fixed."""
    rng, fixed = np.random.default_rng(0), []
    search = types.SimpleNamespace(
        method=types.SimpleNamespace(rule=rule),
        weight_optimizer=types.SimpleNamespace(l2=3e-4),
        supernet=types.SimpleNamespace(
            space=SPACE, fixed={}, fix=lambda *place: fixed.append(place[:2])
        ),
        operation_weights=lambda: {t: rng.random((14, 8)) for t in SPACE.cell_types},
        eigenvalue=lambda: 0.5,
    )
    search.favoured = lambda: selections.magnitude(SPACE, search.operation_weights())
    return RuleFollower(search), fixed


@pytest.mark.parametrize("resumed_after", [None, 0, 2])
def test_the_verdicts_are_followed_and_survive_a_restart(resumed_after):
    rule = Rule()
    follower, fixed = make(rule)
    for epoch in range(4):
        follower.after_epoch(epoch, 10)
        assert follower.next_epoch(epoch) == epoch + 1
        if epoch == 1:
            genotype_of_epoch_1 = follower._seen[-1].genotype
        if epoch == resumed_after:
            notes = json.loads(json.dumps(follower.to_dict()))
            follower, later = make(rule)
            later.extend(fixed)
            fixed = later
            follower.restore(notes)
    assert rule.seen == [[0], [0, 1], [0, 1, 2], [1, 2, 3]]
    assert fixed == [("normal", 5), ("reduce", 0)]
    assert follower.ended and follower.result.epoch == 1
    assert follower.result.genotype == genotype_of_epoch_1
    assert follower.result.eigenvalue == 0.5

    again, _ = make(rule)
    again.restore(follower.to_dict())
    assert again.ended and again.result.genotype == genotype_of_epoch_1
    again.restore(None)
    assert not again.ended and again.result is None


def test_no_rule():
    follower, _ = make(None)
    follower.after_epoch(0, 10)
    assert not follower.ended and follower.to_dict()["seen"] == []
