import numpy as np
import scipy.stats

from darts_tf.common.draws import gumbel, kept, kept_of_batch, uniform


def test_gumbel_noise_is_finite_and_standard():
    """No draw has to be made again: u is neither 0 nor 1."""
    noise = gumbel((1_000_000,), [3, 0]).numpy().astype("float64")
    assert np.isfinite(noise).all()
    exact = scipy.stats.gumbel_r()
    assert abs(noise.mean() - exact.mean()) < 5 * exact.std() / 1000
    np.testing.assert_allclose(noise.std(), exact.std(), rtol=0.01)


def test_uniform_draws_are_inside_the_interval():
    draws = uniform((100_000,), [3, 1]).numpy()
    assert draws.min() > 0 and draws.max() < 1
    np.testing.assert_allclose(draws.mean(), 0.5, atol=5 / np.sqrt(12 * 100_000))


def test_masks_keep_their_mean():
    mask = kept((100_000,), 0.75, [3, 2]).numpy()
    assert set(mask) == {0, 4}
    np.testing.assert_allclose(mask.mean(), 1, atol=5 * np.sqrt(3 / 100_000))
    # Where nobody shares the batch.
    np.testing.assert_array_equal(kept_of_batch((4, 3), 0.5, [3, 2]), kept((4, 3), 0.5, [3, 2]))
