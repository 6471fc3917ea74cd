import numpy as np
import pytest

from darts_tf.schedules import Linear


def test_snas_temperature():
    """lambda(e) = (1 - e/150) * (1 - .03) + .03, in the authors' code."""
    temperature = Linear(1.0, 0.03, reaches_last=False)
    got = [temperature(epoch, 150) for epoch in (0, 75, 149)]
    np.testing.assert_allclose(got, [1.0, 0.515, 0.0365], atol=5e-5)


def test_gdas_temperature():
    """tau(e) = 10 - 9.9 * e / (T - 1), in the authors' code."""
    got = [Linear(10.0, 0.1)(epoch, 250) for epoch in (0, 83, 249)]
    np.testing.assert_allclose(got, [10.0, 6.7, 0.1], rtol=1e-9)


@pytest.mark.parametrize("schedule", [Linear(3.0, 1.0), Linear(3.0, 1.0, False)])
def test_one_epoch_has_the_first_value(schedule):
    assert schedule(0, 1) == 3.0
