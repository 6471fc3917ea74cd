import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tuner import halves

IMAGES = np.arange(42, dtype=np.float32).reshape(42, 1, 1, 1)
LABELS = np.repeat([0, 1, 2], 14)


def dataset(batch=4):
    return tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).shuffle(42).batch(batch)


def read(data):
    batches = list(data.as_numpy_iterator())
    images, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    return images.ravel().astype(int).tolist(), labels.tolist()


def test_shuffled_data_share_no_example_in_ten_epochs():
    first, second = halves(dataset(), seed=1)
    seen = [set(), set()]
    for _ in range(10):
        for half, data in zip(seen, (first, second), strict=True):
            images, labels = read(data)
            assert len(images) == 20 and len(set(images)) == 20
            assert labels == [i // 14 for i in images]
            half |= set(images)
    assert not seen[0] & seen[1]
    # In ten passes every example was in one of the batches that are whole.
    assert seen[0] | seen[1] == set(range(42))
    # Each class has its share in both.
    assert {sum(i // 14 == k for i in half) for half in seen for k in range(3)} == {7}


def test_another_process_cuts_alike_and_another_seed_does_not():
    cut = [set(read(halves(dataset(1), seed=seed)[0])[0]) for seed in (1, 1, 2)]
    assert cut[0] == cut[1] != cut[2]
    assert len(cut[0]) == 21


def test_as_many_batches_in_both():
    for batch in (4, 5, 14):
        parts = halves(dataset(batch))
        assert [int(part.cardinality()) for part in parts] == [21 // batch] * 2
        assert [len(list(part)) for part in parts] == [21 // batch] * 2


def test_order_is_that_of_the_data():
    ordered = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(4)
    for part in halves(ordered):
        images, _ = read(part)
        assert images == sorted(images)


def test_equal_examples_stay_together():
    data = tf.data.Dataset.from_tensor_slices((IMAGES // 2, LABELS)).shuffle(42).batch(1)
    first, second = (read(part)[0] for part in halves(data))
    assert not set(first) & set(second)
    assert abs(len(first) - len(second)) <= 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: dataset().repeat(), "repeats for ever"),
        (lambda: dataset().take(0), "is empty"),
        (
            lambda: dataset().map(lambda x, y: (x + tf.random.uniform([]), y)),
            "two passes over the training data set give other examples",
        ),
    ],
)
def test_refused(data, message):
    with pytest.raises(UserError, match=message):
        halves(data())
