import numpy as np
import tensorflow as tf

from darts_tf.common.dense_gradients import dense


def test_rows_are_added_before_the_norm():
    slices = tf.IndexedSlices(
        tf.constant([[3.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), tf.constant([1, 0, 1]), (3, 2)
    )
    found = dense([slices, None, tf.constant([3.0])])
    np.testing.assert_array_equal(found[0], [[0, 0], [4, 0], [0, 0]])
    assert found[1] is None
    # Apart, the rows have the norm sqrt(3^2 + 1^2 + 3^2).
    assert float(tf.linalg.global_norm(found)) == 5.0
