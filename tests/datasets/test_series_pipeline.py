import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import SeriesData

DATA = SeriesData("x", ("a", "b"), np.arange(40.0).reshape(20, 2), (12, 16), 3, 2)


def read(dataset):
    return [tuple(part.numpy() for part in batch) for batch in dataset]


def test_a_window_ends_a_horizon_before_its_target():
    (batch,) = read(datasets.series_windows(DATA, DATA.test))
    windows, targets = batch
    assert windows.shape == (4, 3, 2) and windows.dtype == targets.dtype == np.float32
    np.testing.assert_array_equal(targets, DATA.values[16:])
    # Row 16 is foretold from rows 12, 13, 14.
    np.testing.assert_array_equal(windows[0], DATA.values[12:15])
    np.testing.assert_array_equal(windows[:, -1], DATA.last_values(DATA.test))


def test_an_epoch_has_every_example_at_most_once():
    batches = read(datasets.series_batches(DATA, DATA.train, 3, seed=1, epoch=2))
    assert [len(targets) for _, targets in batches] == [3, 3]
    rows = [int(target[0] / 2) for _, targets in batches for target in targets]
    assert len(set(rows)) == 6 and set(rows) <= set(DATA.train)
    again = read(datasets.series_batches(DATA, DATA.train, 3, seed=1, epoch=2))
    np.testing.assert_array_equal(batches[0][0], again[0][0])
    other = read(datasets.series_batches(DATA, DATA.train, 3, seed=1, epoch=3))
    assert any((a[1] != b[1]).any() for a, b in zip(batches, other, strict=True))
    for windows, targets in batches:
        np.testing.assert_array_equal(targets - windows[:, -1], np.full((3, 2), 4))


def test_batches_of_one_size():
    batches = read(datasets.series_windows(DATA, DATA.train, 3))
    assert [targets[:, 0].tolist() for _, targets in batches] == [[8, 10, 12], [14, 16, 18]]
    spec = datasets.series_windows(DATA, DATA.train, 3).element_spec
    assert spec[0].shape == (3, 3, 2) and spec[1].shape == (3, 2)


@pytest.mark.parametrize("size", [0, 9])
def test_a_batch_that_is_too_large(size):
    for make in (datasets.series_batches, datasets.series_windows):
        with pytest.raises(UserError, match=f"a batch of {size} examples of a part that has 8"):
            make(DATA, DATA.train, size)
