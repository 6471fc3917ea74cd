import keras
import numpy as np
import pytest

from darts_tf.budget import scores


def two_layers():
    """relu(2 x0 - 3 x1), -1 of it, through dense layers without biases, on images of 1x2x1."""
    inputs = keras.Input((1, 2, 1))
    hidden = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.ReLU()(hidden))
    network = keras.Model(inputs, outputs)
    network.set_weights([np.array([[2.0], [-3.0]]), np.array([[-1.0]])])
    return network


IMAGES = np.array([[1, 0], [0, 1], [2, 1]], np.float32).reshape(3, 1, 2, 1)


def test_parameters_and_flops():
    network = two_layers()
    assert scores.log_parameters(network, IMAGES) == pytest.approx(np.log(3))
    assert scores.log_flops(network, IMAGES) == pytest.approx(np.log(3))


def test_synaptic_flow():
    network = two_layers()
    # R = (2 + 3) 1, and each layer's weights carry all of it: 2 + 3 and 5.
    assert scores.synaptic_flow(network, IMAGES) == pytest.approx(np.log(10))
    assert network.get_weights()[0].ravel().tolist() == [2, -3]


def test_activation_patterns():
    # One ReLU, active for the images 1 and 3: two rows of K are equal.
    assert scores.activation_patterns(two_layers(), IMAGES) == -np.inf
    # K = [[1, 0], [0, 1]] for the images 1 and 2.
    assert scores.activation_patterns(two_layers(), IMAGES[:2]) == pytest.approx(0)


def test_log_determinant():
    codes = np.array([[1, 1, 0], [0, 1, 0]])
    # Both agree in 2 of 3: [[3, 2], [2, 3]].
    assert scores.log_determinant(codes) == pytest.approx(np.log(5))


def test_a_network_without_relus_has_no_patterns():
    inputs = keras.Input((1, 2, 1))
    network = keras.Model(inputs, keras.layers.Flatten()(inputs))
    assert scores.activation_patterns(network, IMAGES) == -np.inf


def test_relus_are_as_before():
    network = two_layers()
    before = network(IMAGES).numpy()
    scores.activation_patterns(network, IMAGES)
    relu = next(x for x in network._flatten_layers() if isinstance(x, keras.layers.ReLU))
    assert "call" not in vars(relu)
    assert network(IMAGES).numpy().tolist() == before.tolist()


def test_kernel_condition():
    # Gradients in (w1, w2, v) of the images 1 and 3: (-1, 0, 2) and (-2, -1, 1).
    rows = np.array([[-1, 0, 2], [-2, -1, 1]])
    small, large = np.linalg.eigvalsh(rows @ rows.T)
    found = scores.kernel_condition(two_layers(), IMAGES[[0, 2]])
    assert found == pytest.approx(-np.log(large / small), rel=1e-5)
