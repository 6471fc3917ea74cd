import pytest

from darts_tf.budget import expectation


def test_a_new_one_takes_as_long_as_the_dearest_of_the_latest():
    # The first takes longer than all others, and an old one counts no more.
    steps = {(0, 0): 30.0}
    assert expectation.seconds(steps, 1, 0) == 30
    steps |= {(1, 0): 20.0, (2, 0): 4.0, (2, 1): 50.0}
    assert expectation.seconds(steps, 3, 0) == 20
    steps |= {(number, 0): 5.0 + number / 100 for number in range(3, 11)}
    assert expectation.seconds(steps, 11, 0) == pytest.approx(5.1)


def test_who_goes_on_takes_as_long_as_its_own_rung_before():
    """A slow network among the latest is no reason to expect as much of a quick one."""
    steps = {(0, 0): 30.0, (1, 0): 4.0, (0, 1): 60.0}
    # A second rung is twice as many steps as the first, a third three times those of the second.
    assert expectation.seconds(steps, 1, 1) == 8
    steps |= {(1, 1): 8.0}
    assert expectation.seconds(steps, 1, 2) == 24
    assert expectation.seconds(steps, 0, 2) == 180


def test_and_as_much_longer_as_the_worst_of_the_latest():
    steps = {(number, 0): 4.0 for number in range(10)}
    steps |= {(number, 1): 12.0 if number == 0 else 7.0 for number in range(8)}
    # 12 in place of 8; what was quicker than expected makes nobody quicker.
    assert expectation.seconds(steps, 9, 1) == 12
    steps |= {(8, 1): 7.0}
    assert expectation.seconds(steps, 9, 1) == 8
    # Of the next rung none is known.
    steps |= {(8, 1): 16.0}
    assert expectation.seconds(steps, 7, 2) == 7 * 3 * 2
    steps |= {(7, 2): 42.0}
    assert expectation.seconds(steps, 8, 2) == 16 * 3 * 2
    # Times may be too short to be told from none.
    assert expectation.seconds({(0, 0): 0.0, (1, 0): 0.0, (0, 1): 0.0}, 1, 1) == 0
