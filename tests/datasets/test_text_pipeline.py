import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets.text_pipeline import window_lengths

TEXT = np.arange(103, dtype=np.int32)


def listed(dataset):
    return [[part.numpy() for part in batch] for batch in dataset]


def test_lengths_add_up_and_are_those_of_the_epoch():
    lengths = window_lengths(929_589 // 64, seed=1, epoch=2)
    assert lengths.sum() == 929_589 // 64
    np.testing.assert_array_equal(lengths, window_lengths(929_589 // 64, seed=1, epoch=2))
    assert not np.array_equal(lengths[:9], window_lengths(929_589 // 64, seed=1, epoch=3)[:9])
    assert not np.array_equal(lengths[:9], window_lengths(929_589 // 64, seed=2, epoch=2)[:9])


def test_lengths_are_distributed_as_the_paper_says():
    # Around 200, few of the halved ones overlap with the others: 0.95 * 200 + 0.05 * 100, less the
    # half that rounding down takes.
    lengths = window_lengths(10**7, steps=200)[:-1]
    halved = lengths < 150
    assert halved.mean() == pytest.approx(0.05, abs=0.003)
    for around, part in ((200, lengths[~halved]), (100, lengths[halved])):
        assert part.mean() == pytest.approx(around - 0.5, abs=0.25)
        assert part.std() == pytest.approx(5.0, abs=0.2)


def test_lengths_have_limits():
    assert window_lengths(10**5, steps=8).max() <= 28
    assert window_lengths(10**5, steps=8)[:-1].min() == 5


def test_short_windows():
    assert window_lengths(1).tolist() == [1]
    lengths = window_lengths(1000, steps=2)
    assert lengths.sum() == 1000 and lengths[:-1].min() == 2


def test_columns():
    batches = datasets.text_batches(TEXT, 4, steps=7)
    found = listed(batches)
    assert int(batches.cardinality()) == len(found)
    assert batches.element_spec[0].shape.as_list() == [4, None]
    inputs, targets = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    # 25 tokens a column; the last 3 of 103 are left out.
    expected = np.arange(100).reshape(4, 25)
    np.testing.assert_array_equal(inputs, expected[:, :-1])
    np.testing.assert_array_equal(targets, expected[:, 1:])
    assert inputs.dtype == targets.dtype == np.int32


def test_skipping_is_exact():
    make = lambda: datasets.text_batches(TEXT, 2, steps=6, seed=3, epoch=1)  # noqa: E731
    whole, rest = listed(make()), listed(make().skip(3))
    assert len(rest) == len(whole) - 3 > 1
    for one, other in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize(
    "batch_size, steps", [(1, 35), (4, 7), (5, 100), (7, 3), (51, 1), (102, 9)]
)
def test_an_evaluation_counts_every_token_once(batch_size, steps):
    windows = datasets.text_windows(TEXT, batch_size, steps)
    found = listed(windows)
    assert int(windows.cardinality()) == len(found)
    inputs, targets, weights = (np.concatenate(x, axis=1) for x in zip(*found, strict=True))
    assert sorted(targets[weights == 1].tolist()) == list(range(1, 103))
    np.testing.assert_array_equal(inputs + 1, targets)
    assert weights.sum() == 102 and weights.dtype == np.float32


def test_one_column_is_the_text():
    ((inputs, targets, weights),) = listed(datasets.text_windows(TEXT, 1, 200))
    np.testing.assert_array_equal(inputs[0], TEXT[:-1])
    np.testing.assert_array_equal(targets[0], TEXT[1:])
    assert weights.min() == 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: datasets.text_batches(TEXT, 52), "in 52 columns has 1 a column.*at most 51"),
        (lambda: datasets.text_windows(TEXT, 103), "102 to predict, too few for 103 columns"),
        (lambda: datasets.text_windows(TEXT, 0), "both must be 1 or more"),
        (lambda: datasets.text_batches(TEXT, 2, steps=0), "both must be 1 or more"),
        (lambda: datasets.text_batches(TEXT * 0.5, 2), "type float64"),
        (lambda: datasets.text_batches(TEXT, 2, seed=-1), "seed -1 is out of range"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(UserError, match=message):
        make()
