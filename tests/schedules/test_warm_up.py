import pytest

from darts_tf.schedules import WarmUp


@pytest.mark.parametrize(
    "warm_up, epochs, frozen",
    [
        (WarmUp(15, 50), 50, 15),  # PC-DARTS
        (WarmUp(10, 25), 25, 10),  # P-DARTS, every stage
        (WarmUp(10, 25), 10, 4),
        (WarmUp(15, 50), 2, 1),
        (WarmUp(15, 50), 1, 0),
    ],
)
def test_the_first_share_of_the_epochs(warm_up, epochs, frozen):
    got = [warm_up(epoch, epochs) for epoch in range(epochs)]
    assert got == [True] * frozen + [False] * (epochs - frozen)
