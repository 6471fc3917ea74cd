import types

import numpy as np
import tensorflow as tf

from darts_tf import spaces
from scripts.fair_sampling import Fair, Steps

SPACE = spaces.NAS_BENCH_201


def drawn(steps, seed=0):
    weights = Fair(seed).weights
    return [weights(SPACE, "normal", {}, seed=[0, s], step=float(s)).numpy() for s in steps]


def test_each_operation_comes_once_a_round_on_each_edge():
    for first in (0, 5, 10):
        found = drawn(range(first, first + 5))
        assert all(set(np.unique(weights)) == {0, 1} for weights in found)
        np.testing.assert_array_equal(sum(found), np.ones((6, 5)))
    rounds = np.array(drawn(range(200))).argmax(axis=2)
    # Edges have orders of their own, and so have rounds.
    assert len({tuple(order) for order in rounds[:5].T}) > 1
    assert len({tuple(rounds[i : i + 5, 0]) for i in range(0, 200, 5)}) > 20
    assert not np.array_equal(drawn([0]), drawn([0], seed=1))


def test_without_a_draw_all_are_equal():
    np.testing.assert_allclose(Fair().weights(SPACE, "normal", {}), np.full((6, 5), 0.2))


def test_steps_go_on_after_epochs():
    control = tf.Variable(0.0)
    architecture = types.SimpleNamespace(controls={"step": control})
    search = types.SimpleNamespace(supernet=types.SimpleNamespace(architecture=architecture))
    steps = Steps(search, 31)
    steps.on_epoch_begin(2)
    steps.on_train_batch_begin(3)
    assert control.numpy() == 65
