import dataclasses
import json
import types

import keras
import numpy as np
import pytest

from darts_tf import methods, selections, spaces
from darts_tf.schedules import AdaptiveDecay
from darts_tf.schedules.rules import Verdict
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.search.rule_follower import RuleFollower
from tests import toy

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
    architecture = types.SimpleNamespace(
        decided=lambda: {t: np.zeros(14, bool) for t in SPACE.cell_types},
        fix=lambda *place: fixed.append(place[:2]),
    )
    search = types.SimpleNamespace(
        method=types.SimpleNamespace(rule=rule),
        weight_optimizer=types.SimpleNamespace(l2=3e-4),
        supernet=types.SimpleNamespace(space=SPACE, architecture=architecture),
        operation_weights=lambda: {t: rng.random((14, 8)) for t in SPACE.cell_types},
        eigenvalue=lambda: 0.5,
    )
    search.favoured = lambda: selections.magnitude(SPACE, search.operation_weights())
    return RuleFollower(search), fixed


@pytest.mark.parametrize("resumed_after", [None, 0, 2])
def test_the_verdicts_are_followed_and_survive_a_restart(resumed_after, caplog):
    caplog.set_level("INFO", logger="absl")
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
    assert caplog.messages[0].startswith(
        "epoch 2: normal cell, the edge from node 0 (c_{k-2}) to node 4: skip_connect"
    )
    assert "epoch 2: reduce cell, the edge from node 0 (c_{k-2}) to node 2: removed" in (
        caplog.messages
    )
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


class States(keras.callbacks.Callback):
    """All variables before and after every epoch, and the weight decay that it was run with."""

    def __init__(self, search):
        super().__init__()
        self._search = search
        self.before, self.after, self.decays = [], [], []

    def now(self):
        decay = self._search.weight_optimizer.l2
        groups = self._search.checkpointed().values()
        return [v.numpy() for group in groups for v in group if v is not decay]

    def on_epoch_begin(self, epoch, logs=None):
        self.before.append(self.now())
        self.decays.append(float(self._search.weight_optimizer.l2))

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(self.now())


def test_adaptive_decay_goes_back_within_a_search(eagerly, tmp_path):
    """The eigenvalue jumps in the third epoch, and once more where the decay is at its largest."""
    rule = AdaptiveDecay(1, window=1, apart=1, first_epoch=1, most=0.003)
    keras.utils.set_random_seed(0)
    method = dataclasses.replace(methods.get("darts-ada"), rule=rule)
    search = ArchitectureSearch(toy.make(method), method)
    eigenvalues = iter([1.0, 1.0, 2.0, 1.0, 1.5])
    search.eigenvalue = lambda: next(eigenvalues)
    data = toy.data(0, 0, examples=4)
    states = States(search)
    history = search.fit(
        data,
        data,
        6,
        callbacks=[states, CollapseMonitor(search, eigenvalue_every=0)],
        checkpoint_dir=tmp_path,
        verbose=0,
    )
    assert history.epoch == [0, 1, 2, 2, 3]
    np.testing.assert_allclose(states.decays, [3e-4, 3e-4, 3e-4, 3e-3, 3e-3], rtol=1e-6)
    for mine, its in zip(states.before[3], states.after[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    changed = zip(states.after[3], states.after[2], strict=True)
    assert any(not np.array_equal(mine, its) for mine, its in changed)
    # 1.5 after 1: there is no more decay to go back for, so that the search ends there.
    assert search._rule.ended and search._rule.result.epoch == 2
    assert search.genotype() == search._rule.result.genotype


class Decides:
    """Decides two edges after the first epoch."""

    memory = 1
    eigenvalue_every = 0

    def __call__(self, observations, epochs, space):
        return Verdict(fixed=[("normal", 1, np.eye(8)[3]), ("reduce", 0, np.zeros(8))])


def test_how_close_a_decision_was_is_remembered():
    follower, _ = make(Decides())
    rows = np.full((14, 8), 0.1)
    # `none` is no rival.
    rows[1, [0, 3, 4]] = 0.9, 0.102, 0.1
    follower._search.operation_weights = lambda: {"normal": rows, "reduce": rows}
    follower.after_epoch(0, 10)
    assert follower.leads == {("normal", 1): pytest.approx(0.02)}
    other, _ = make(Decides())
    other.restore(json.loads(json.dumps(follower.to_dict())))
    assert other.leads == follower.leads
    old = follower.to_dict()
    del old["leads"]
    other.restore(old)
    assert other.leads == {}
