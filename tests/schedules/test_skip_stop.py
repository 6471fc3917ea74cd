import numpy as np
import pytest

from darts_tf import selections, spaces
from darts_tf.schedules import SkipStop
from darts_tf.schedules.rules import Observation

SPACE = spaces.get("darts_cnn")
SKIP = SPACE.operations.index("skip_connect")


def observe(epoch, skips):
    rows = np.full((14, 8), 0.1)
    # The first edges into each node are those that are kept.
    rows[[0, 1, 2, 3, 5, 6, 9, 10][:skips], SKIP] = 0.3
    weights = {"normal": rows, "reduce": np.eye(14, 8, k=SKIP)}
    decided = dict.fromkeys(SPACE.cell_types, np.zeros(14, bool))
    return Observation(epoch, selections.magnitude(SPACE, weights), weights, decided)


@pytest.mark.parametrize(
    "epoch, skips, ends", [(20, 1, False), (20, 2, True), (9, 8, False), (10, 8, True)]
)
def test_ends_with_two_skip_connections_in_the_normal_cell(epoch, skips, ends):
    now = observe(epoch, skips)
    ordered = SkipStop()([now], 50, SPACE)
    assert [order.result for order in ordered] == ([now] if ends else [])
    if ends:
        assert f"the normal cell holds {skips} skip connections" in ordered[0].reason


def test_another_limit():
    assert SkipStop(most=4)([observe(20, 3)], 50, SPACE) == ()


def run(rows_of_epoch, space=SPACE, epochs=40, **options):
    """The epoch that a search with such weights on all edges ends in, and why."""
    rule, seen = SkipStop(**options), []
    for epoch in range(epochs):
        rows = np.tile(rows_of_epoch(epoch), (len(space.edges), 1))
        weights = dict.fromkeys(space.cell_types, rows)
        decided = dict.fromkeys(space.cell_types, np.zeros(len(space.edges), bool))
        now = Observation(epoch, selections.magnitude(space, weights), weights, decided)
        seen = [*seen, now][-rule.memory :]
        if ordered := rule(seen, epochs, space):
            (stop,) = ordered
            assert stop.result is now
            return epoch, stop.reason
    return None


def two_convolutions(epoch):
    """Weights whose convolutions change places for the last time in epoch 15."""
    rows = np.full(8, 0.1)
    rows[4 + (epoch < 15 and epoch % 3 == 0)] = 0.3
    rows[SKIP] = 0.2 + 0.01 * (epoch % 2)  # Not a learnable one.
    return rows


def test_ends_when_the_order_of_the_learnable_operations_stays():
    reason = "the order of the learnable operations has not changed for 10 epochs"
    # The order of epoch 13 is also that of epoch 14 and of all that follow.
    assert run(two_convolutions) == (23, reason)
    assert run(two_convolutions, stable=3)[0] == 16
    assert run(two_convolutions, stable=None) is None


def test_one_learnable_operation_has_no_order():
    assert run(lambda epoch: np.array([0.1, 0.9]), spaces.get("s2")) is None
