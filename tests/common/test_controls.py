import pytest

from darts_tf.common.controls import Control
from darts_tf.common.errors import UserError


def test_values_out_of_range_are_refused():
    share = Control("share", low=0.0, high=1.0)
    assert [share.check(value) for value in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="'share' is to be .*from 0 to 1"):
            share.check(value)
    assert Control("temperature").check(-1e9) == -1e9
