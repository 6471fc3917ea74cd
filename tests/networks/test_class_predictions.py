import keras
import numpy as np
import tensorflow as tf

from darts_tf.networks.class_predictions import predict_classes


def test_the_class_of_every_example():
    """A network whose logits are its inputs."""
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    rows = np.zeros((6, 4), "float32")
    rows[range(6), [0, 0, 1, 1, 2, 0]] = np.log([2, 3, 4, 5, 6, 9])
    labels = np.array([0, 1, 1, 1, 0, 2])
    data = tf.data.Dataset.from_tensor_slices((rows, labels)).batch(4)
    found = predict_classes(network, data, 4)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.classes, [0, 0, 1, 1, 2, 0])
    np.testing.assert_array_equal(found.right, [1, 2, 0, 0])
    np.testing.assert_array_equal(
        found.confusion, [[1, 0, 1, 0], [1, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    )
    # The shares of x beside three ones.
    np.testing.assert_allclose(
        found.probabilities, [2 / 5, 3 / 6, 4 / 7, 5 / 8, 6 / 9, 9 / 12], 1e-6
    )
    np.testing.assert_allclose(
        found.label_probabilities, [2 / 5, 1 / 6, 4 / 7, 5 / 8, 1 / 9, 1 / 12], 1e-6
    )
    np.testing.assert_array_equal(found.mistakes(10), [5, 4, 1])
    np.testing.assert_array_equal(found.mistakes(2), [5, 4])
