"""The images of a classification as the programs take them."""

import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from train.data_flags import DataConfig
from train.images import Images
from train.search_flags import SearchConfig

X = np.arange(20 * 64).reshape(20, 8, 8, 1).astype(np.uint8)
Y = np.arange(20) % 2


@pytest.fixture
def data():
    arrays = datasets.from_arrays(X[:16], Y[:16], X[16:], Y[16:], name="pets")
    return Images(DataConfig(), arrays)


def first(batches):
    return next(batches.as_numpy_iterator())


def test_parts(data):
    assert (data.input_shape, data.num_classes) == ((8, 8, 1), 2)
    first_part, second = data.split(data.training, 0.75, seed=0)
    assert (data.size(first_part), data.size(second), data.size(data.test)) == (12, 4, 4)
    expected = datasets.split(data.training.images, data.training.labels, 0.75, 0)
    np.testing.assert_array_equal(first_part.images, expected[0][0])


def test_streams_are_augmented_and_those_in_order_are_not(data):
    stream = data.stream(data.training, 16, seed=3)
    images, labels = first(stream(0))
    again, other = first(stream(0)), first(stream(1))
    np.testing.assert_array_equal(images, again[0])
    assert not np.array_equal(images, other[0])
    plain, in_order = first(data.in_order(data.training))
    np.testing.assert_array_equal(in_order, data.training.labels)
    np.testing.assert_allclose(plain.mean(), 0, atol=1e-5)
    assert sorted(labels) == sorted(in_order)


def test_a_validation_part_of_its_own(data):
    halves = data.with_validation(0.75, seed=0)
    assert [len(part.labels) for part in halves] == [12, 4] and data.validation is None
    arrays = datasets.from_arrays(X[:12], Y[:12], X[16:], Y[16:], x_val=X[12:16], y_val=Y[12:16])
    own = Images(DataConfig(), arrays)
    training, validation = own.with_validation(0.75, seed=0)
    np.testing.assert_array_equal(training.images, X[:12])
    np.testing.assert_array_equal(validation.images, X[12:16])


def test_a_share_of_the_training_images_where_there_is_a_validation_part(tmp_path):
    path = tmp_path / "pets.npz"
    np.savez(path, x_train=X[:12], y_train=Y[:12], x_val=X[12:16], y_val=Y[12:16])
    config = SearchConfig.from_words([f"--dataset={path}", "--train_portion=0.7"])
    with pytest.raises(UserError, match="--train_portion has no meaning: pets has a validation"):
        Images.load(config)
    _, found = Images.load(SearchConfig.from_words([f"--dataset={path}"]))
    assert len(found.validation.labels) == 4 and found.description(True)["validation_examples"] == 4


def test_balanced_class_weights():
    arrays = datasets.from_arrays(X[:16], [0] * 12 + [1] * 4, X[16:], Y[16:])
    weighted = Images(DataConfig(class_weights="balanced"), arrays)
    _, labels, weights = first(weighted.stream(weighted.training, 16, seed=0)(0))
    np.testing.assert_allclose(weights, np.where(labels, 2, 2 / 3), rtol=1e-6)
    # What is measured in the end is of the examples as they are.
    assert len(first(weighted.in_order(weighted.test))) == 2


def test_batches_in_order(data):
    assert [len(labels) for _, labels in data.in_order(data.training, 6)] == [6, 6]
    assert [len(labels) for _, labels in data.in_order(data.test)] == [4]
    with pytest.raises(UserError, match="batch size 17 is larger"):
        data.in_order(data.training, 17)


def test_description(data):
    plain = data.description(trains=False)
    assert data.description(trains=True) == plain | {"augmentation": vars(data.augmentation)}
    assert data.difference(plain, plain) is None
    arrays = datasets.from_arrays(X[:16] ^ 1, Y[:16], X[16:], Y[16:], name="pets")
    changed = Images(DataConfig(), arrays)
    assert "the training images" in data.difference(plain, changed.description(trains=False))
