import pytest

from darts_tf.common.errors import UserError
from train import limits


@pytest.mark.parametrize(
    ("name", "greatest"), [("channels", 10_000), ("cells", 1_000), ("epochs", 2**31 - 1)]
)
def test_greatest(name, greatest):
    limits.check(name, greatest)
    expected = f"--{name}={greatest + 1}: expected a whole number up to {greatest}$"
    with pytest.raises(UserError, match=expected):
        limits.check(name, greatest + 1)
