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
    verdict = SkipStop()([now], 50, SPACE)
    assert (verdict.reason is not None) == ends
    if ends:
        assert verdict.result is now
        assert f"the normal cell holds {skips} skip connections" in verdict.reason


def test_another_limit():
    assert SkipStop(most=4)([observe(20, 3)], 50, SPACE).reason is None
