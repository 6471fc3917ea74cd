import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import operations


@pytest.mark.parametrize("strides, size", [(1, (7, 6)), (2, (4, 3))])
def test_standard_normal_of_the_outputs_shape(strides, size):
    layer = operations.create("noise", 5, strides=strides)
    x = np.full((64, 7, 6, 5), 100.0, "float32")
    y = layer(x).numpy()
    assert y.shape == (64, *size, 5) == layer.compute_output_shape(x.shape)
    assert abs(y.mean()) < 5 / np.sqrt(y.size)
    assert abs(y.std() - 1) < 5 / np.sqrt(2 * y.size)


def test_the_input_has_no_influence_and_every_call_is_new():
    layers = [operations.Noise(2, seed=3) for _ in range(2)]
    a, b = layers[0](np.zeros((2, 4, 4, 2))), layers[1](np.ones((2, 4, 4, 2)))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(layers[0](np.zeros((2, 4, 4, 2))), a)
    x = tf.ones((2, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layers[0](x)
    assert tape.gradient(y, x) is None


def test_config():
    layer = operations.Noise(2, strides=2, seed=3)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(copy(np.zeros((2, 4, 4, 2))), layer(np.zeros((2, 4, 4, 2))))
