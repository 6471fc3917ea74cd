import numpy as np
import tensorflow as tf

from darts_tf import datasets

LABELS = np.array([0] * 6 + [2] * 2)


def test_every_class_counts_the_same():
    weights = datasets.balanced_weights(LABELS, 3)
    np.testing.assert_allclose(weights, [8 / (2 * 6), 0, 8 / (2 * 2)])
    counted = weights[LABELS]
    assert counted.mean() == 1 and counted[:6].sum() == counted[6:].sum()


def test_batches_with_weights():
    data = tf.data.Dataset.from_tensor_slices((np.zeros((8, 1)), LABELS)).batch(4)
    weighted = datasets.with_class_weights(data, np.array([1, 2, 3], np.float32))
    read = np.concatenate([weights for _, _, weights in weighted])
    np.testing.assert_array_equal(read, [1] * 6 + [3] * 2)
    assert weighted.cardinality() == 2
