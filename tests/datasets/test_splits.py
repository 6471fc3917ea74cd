import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import splits

LABELS = np.repeat([0, 1, 2], [10, 20, 70]).astype(np.int32)
IMAGES = np.arange(100)[:, np.newaxis]


def test_split_keeps_class_shares_and_loses_nothing():
    (first, first_labels), (second, second_labels) = datasets.split(IMAGES, LABELS, 0.3, seed=1)
    assert np.bincount(first_labels).tolist() == [3, 6, 21]
    assert np.bincount(second_labels).tolist() == [7, 14, 49]
    assert sorted([*first[:, 0], *second[:, 0]]) == list(range(100))
    np.testing.assert_array_equal(LABELS[first[:, 0]], first_labels)
    np.testing.assert_array_equal(LABELS[second[:, 0]], second_labels)


def test_split_depends_on_the_seed_alone():
    def chosen(seed):
        return datasets.split(IMAGES, LABELS, seed=seed)[0][0][:, 0].tolist()

    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)


def test_split_rounds_by_the_largest_remainder():
    labels = np.repeat([0, 1, 2], [3, 3, 5])
    (_, first), (_, second) = datasets.split(labels, labels, 0.5)
    # 5.5 rounds to 6 in all; exact shares 1.64, 1.64, 2.73 leave 0.64, 0.64 and 0.73 over.
    assert np.bincount(first).tolist() == [2, 1, 3]
    assert np.bincount(second).tolist() == [1, 2, 2]


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, float("nan")])
def test_split_refuses_fractions_outside_0_and_1(fraction):
    with pytest.raises(UserError, match="must lie between 0 and 1"):
        datasets.split(IMAGES, LABELS, fraction)


@pytest.mark.parametrize("fraction", [0.02, 0.98])
def test_split_refuses_to_leave_a_class_empty(fraction):
    with pytest.raises(UserError, match="without an example of class 0, which has 10"):
        datasets.split(IMAGES, LABELS, fraction)


def test_split_refuses_lengths_that_differ():
    with pytest.raises(UserError, match="99 images have 100 labels"):
        datasets.split(IMAGES[1:], LABELS)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_out_of_range(seed):
    with pytest.raises(UserError, match="seed .* is out of range"):
        datasets.split(IMAGES, LABELS, seed=seed)


def test_hold_out_is_a_fifth_of_every_class():
    train, test = splits.hold_out(LABELS, "set", "abc")
    assert np.bincount(LABELS[test]).tolist() == [2, 4, 14]
    assert sorted([*train, *test]) == list(range(100))


def test_hold_out_takes_one_of_every_class_however_small():
    labels = np.array([0, 0, 1, 1, 2, 2])
    train, test = splits.hold_out(labels, "set", "abc")
    assert np.bincount(labels[test]).tolist() == [1, 1, 1]
    assert np.bincount(labels[train]).tolist() == [1, 1, 1]


def test_hold_out_refuses_a_class_with_one_example():
    with pytest.raises(UserError, match="set has no test part, and class 'cat' has one example"):
        splits.hold_out(np.array([0, 0, 1]), "set", ["dog", "cat"])


def test_subset_is_stratified_and_covers_every_class():
    assert np.bincount(LABELS[splits.subset(LABELS, 50, 0)]).tolist() == [5, 10, 35]
    assert np.bincount(LABELS[splits.subset(LABELS, 3, 0)]).tolist() == [1, 1, 1]
    assert splits.subset(LABELS, 100, 0).tolist() == list(range(100))
    assert splits.subset(LABELS, 50, 0).tolist() != splits.subset(LABELS, 50, 1).tolist()


def test_subset_refuses_sizes_that_do_not_fit():
    with pytest.raises(
        UserError, match="101 training examples were asked for, but there are only 100"
    ):
        splits.subset(LABELS, 101, 0)
    with pytest.raises(UserError, match="2 training examples cannot cover 3 classes"):
        splits.subset(LABELS, 2, 0)


def test_permutation_is_frozen():
    # A change here would silently change every held-out test part.
    assert splits.permutation(8, 0, 3).tolist() == [4, 0, 7, 6, 1, 5, 2, 3]
