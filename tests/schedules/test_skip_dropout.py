import numpy as np

from darts_tf.schedules import SkipDropout


def test_stage_of_25_epochs():
    rates = [SkipDropout(0.4)(epoch, 25) for epoch in (0, 9, 10, 15, 24)]
    np.testing.assert_allclose(rates, [0.384, 0.24, 0.4, 0.1472, 0.0243], atol=5e-5)


def test_a_shorter_stage_runs_through_the_same_curve():
    short = [SkipDropout(0.7)(epoch, 5) for epoch in range(5)]
    np.testing.assert_allclose(short[:2], [0.7 * 4 / 5, 0.7 * 3 / 5])
    long = [SkipDropout(0.7)(epoch, 25) for epoch in (10, 15, 20)]
    np.testing.assert_allclose(short[2:], long)


def test_one_epoch():
    assert SkipDropout(0.7)(0, 1) == 0.7
