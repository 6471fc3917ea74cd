import itertools

import numpy as np
import pytest

from darts_tf import schedules
from darts_tf.common.errors import UserError
from darts_tf.schedules.growing import Growing, judge
from darts_tf.schedules.rules import Observation
from darts_tf.schedules.transitions import Grow, ReturnToBest, Stop
from darts_tf.spaces import DARTS_CNN, DARTS_RNN
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import AddNode, Duplicate, Prune, Split

EVEN = np.full((1, 6), 1 / 6)


def observe(losses, weights=EVEN):
    return Observation(len(losses) - 1, None, {"recurrent": weights}, {}, None, 0.0, tuple(losses))


def follow(rule, loss_of, epochs=100):
    """Runs a rule on the losses of made-up supernets: (growths, epoch) -> loss."""
    losses, grown, since = [], 0, 0
    for epoch in range(epochs):
        losses.append((grown, loss_of(grown, since)))
        ordered = rule([observe(losses)], epochs, chain(1))
        if any(isinstance(one, Stop) for one in ordered):
            assert isinstance(ordered[-1], ReturnToBest)
            return losses, epoch
        since += 1
        if ordered:
            assert isinstance(ordered[0], Grow)
            grown, since = grown + 1, 0
    raise AssertionError("it never ended")


def test_the_third_architecture_is_kept():
    """Losses 3, 2, 1.5, 1.6: the search ends with the fourth and returns to the third."""
    losses, last = follow(Growing(patience=2), lambda grown, epoch: (3, 2, 1.5, 1.6)[grown])
    assert last == 11 and [number for number, _ in losses] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    best = min(losses, key=lambda one: one[1])
    assert best == (2, 1.5)


def test_a_supernet_that_improves_goes_on():
    # Each becomes better for 6 epochs.
    losses, last = follow(Growing(patience=2, stages=2), lambda g, e: 10 - g - min(e, 6))
    assert [len(list(own)) for _, own in itertools.groupby(n for n, _ in losses)] == [9, 9]
    assert last == 17


def test_it_ends_with_the_last_epoch():
    _, last = follow(Growing(patience=2), lambda g, e: -g - e, epochs=7)
    assert last == 6


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([(0, 3.0)], "going on"),
        ([(0, 3.0), (0, 3.0)], "going on"),
        ([(0, 3.0), (0, 3.0), (0, 3.1)], "better"),
        ([(0, 3.0), (1, 2.0), (1, 2.5), (1, 2.2)], "better"),
        ([(0, 3.0), (1, 3.0), (1, 3.5), (1, 3.2)], "worse"),
        ([(0, 3.0), (1, 4.0), (1, 3.5), (1, 3.2)], "going on"),
    ],
)
def test_what_losses_say(losses, expected):
    assert judge(losses, 2) == expected


def test_what_grows():
    weights = np.array([[0.02, 0.03, 0.6, 0.1, 0.15, 0.1], [0.02, 0.03, 0.4, 0.3, 0.15, 0.1]])
    rule = Growing(by=("duplicate", "node"), patience=1, prune=True)
    (order,) = rule([observe([(0, 1.0), (0, 1.0)], weights)], 9, chain(2))
    assert order.changes == (
        Prune("recurrent", 1, ("relu", "identity", "hadamard", "gated")),
        Duplicate("recurrent", 0, "relu"),
        AddNode(),
    )
    stop, back = Growing(by=("duplicate",), patience=1)(
        [observe([(0, 1.0), (0, 1.0)])], 9, chain(1)
    )
    assert "no operation weighs enough" in stop.reason and isinstance(back, ReturnToBest)


def test_splits_are_found_when_the_supernet_grows():
    rule = Growing(by=("split", "node"), patience=1, split_length=0.1, split_every=True)
    (order,) = rule([observe([(0, 1.0), (0, 1.0)])], 9, chain(1))
    assert order.changes == (Split(0.1, every=True, noise=1e-3), AddNode())


def test_where_it_begins():
    assert Growing().first_space(chain(4)) == chain(1)
    assert Growing(nodes=None).first_space(chain(4)) == chain(4)
    assert len(Growing(nodes=2).first_space(DARTS_CNN).edges) == 5
    with pytest.raises(UserError, match="copies of operations.*two_input_rnn, got darts_cnn"):
        Growing(by=("node", "duplicate")).first_space(DARTS_CNN)
    with pytest.raises(UserError, match="copies of operations.*two_input_rnn, got darts_cnn"):
        Growing(by=("split",)).first_space(DARTS_CNN)
    with pytest.raises(UserError, match="space 'darts_rnn' do not grow by nodes"):
        Growing().first_space(DARTS_RNN)
    assert Growing(stages=1, nodes=3).first_space(DARTS_RNN).nodes == 3


def test_it_is_written_and_read():
    rule = Growing(by=("duplicate", "node"), patience=3)
    assert schedules.get(schedules.serialize(rule)) == rule
    assert schedules.serialize(Growing()) == "growing"


def test_refusals():
    with pytest.raises(UserError, match=r"by is \('edge',\); expected some of node, duplicate"):
        Growing(by=("edge",))
    with pytest.raises(UserError, match="patience is 0"):
        Growing(patience=0)
    with pytest.raises(UserError, match="nodes is 0; a cell has at least 1"):
        Growing(nodes=0)
    with pytest.raises(UserError, match="split_length is 0"):
        Growing(split_length=0)
