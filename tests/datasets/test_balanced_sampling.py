import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError

LABELS = np.array([0] * 30 + [2] * 4 + [5] * 6)


def test_classes_come_equally_often():
    order = datasets.balanced_order(LABELS, seed=3, epoch=1)
    counts = np.bincount(LABELS[order])[[0, 2, 5]]
    assert len(order) == 40 and sorted(counts) == [13, 13, 14]
    # They are mixed, not class after class.
    assert len(np.flatnonzero(np.diff(LABELS[order]))) > 15


def test_it_is_a_function_of_seed_and_epoch():
    first = datasets.balanced_order(LABELS, 3, 1)
    np.testing.assert_array_equal(first, datasets.balanced_order(LABELS, 3, 1))
    for other in ((3, 2), (4, 1)):
        assert not np.array_equal(first, datasets.balanced_order(LABELS, *other))
    with pytest.raises(UserError, match="seed -1 is out of range"):
        datasets.balanced_order(LABELS, -1, 0)


def test_all_images_of_a_class_come_in_turn():
    """None comes a second time before all others, within epochs and across them."""
    drawn = np.concatenate([datasets.balanced_order(LABELS, 7, epoch) for epoch in range(7)])
    for name, count in ((0, 30), (2, 4), (5, 6)):
        times = np.bincount(drawn, minlength=40)[name == LABELS]
        assert len(times) == count and times.max() - times.min() <= 1, name


def test_equal_classes_come_once():
    assert sorted(datasets.balanced_order([0, 1] * 8, 0, 5)) == list(range(16))


@pytest.mark.parametrize("labels", [np.eye(3, dtype=np.int32), np.ones((4, 1)), np.ones(4)])
def test_what_has_no_classes_is_refused(labels):
    with pytest.raises(UserError, match="labels have type"):
        datasets.balanced_order(labels, 0, 0)


def batches(images, epoch=2, seed=1):
    raw = {"mean": (0.0,), "std": (1 / 255,), "drop_remainder": True}
    return datasets.batches(images, LABELS, 8, shuffle="balanced", seed=seed, epoch=epoch, **raw)


def test_batches_go_on_in_the_middle_of_an_epoch(tmp_path):
    images = np.broadcast_to(np.arange(40).reshape(40, 1, 1, 1), (40, 4, 4, 1)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    whole = list(batches(images).as_numpy_iterator())
    stored = datasets.StoredImages(tmp_path / "images.npy")
    rest = list(batches(stored).skip(2).as_numpy_iterator())
    assert len(whole) == 5 and len(rest) == 3
    for one, other in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    numbers = np.concatenate([x[:, 0, 0, 0] for x, _ in whole]).round().astype(int)
    np.testing.assert_array_equal(numbers, datasets.balanced_order(LABELS, 1, 2))
