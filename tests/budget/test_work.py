import pytest

from darts_tf.budget import work


def test_a_training():
    # 10 steps start 15 cells each, and 96 images pass through a million multiply-adds.
    expected = 10 * 15 * 1e-3 + 10 * 96 * 1e6 * 7e-11
    assert work.training(1e6, 15, steps=10, batch_size=96) == pytest.approx(expected)
