import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime import optimizers

WEIGHTS = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.3, 0.1, -4.0], [-0.2, 0.5, 1.0], [0.0, 2.0, 3.0]])
L2 = 0.05


def run(optimizer, gradients=GRADIENTS):
    variable = keras.Variable(WEIGHTS, dtype="float32")
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    return variable.numpy()


def test_sgd_with_momentum():
    weights, velocity = WEIGHTS.copy(), np.zeros(3)
    for gradient in GRADIENTS:
        velocity = 0.9 * velocity - 0.1 * (gradient + L2 * weights)
        weights += velocity
    got = run(optimizers.SGD(0.1, 0.9, l2=L2))
    np.testing.assert_allclose(got, weights, rtol=1e-6)


def test_adam():
    weights, first, second = WEIGHTS.copy(), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(GRADIENTS, start=1):
        gradient = gradient + L2 * weights
        first = 0.5 * first + 0.5 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        unbiased = first / (1 - 0.5**t), second / (1 - 0.999**t)
        weights -= 0.01 * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    got = run(optimizers.Adam(0.01, beta_1=0.5, beta_2=0.999, epsilon=1e-8, l2=L2))
    np.testing.assert_allclose(got, weights, rtol=1e-5)


def test_clips_before_l2():
    gradient = np.array([[6.0, 8.0, 0.0]])
    got = run(optimizers.SGD(0.1, l2=L2, global_clipnorm=5.0), gradient)
    np.testing.assert_allclose(got, WEIGHTS - 0.1 * (gradient[0] / 2 + L2 * WEIGHTS), rtol=1e-6)


def test_clips_the_norm_of_rows_that_were_added():
    """A word that occurs twice in a batch has one gradient."""
    embeddings = keras.Variable(np.zeros((3, 2)), dtype="float32")
    optimizer = optimizers.SGD(1.0, global_clipnorm=1.0)
    optimizer.build([embeddings])
    slices = tf.IndexedSlices(tf.constant([[3.0, 2.0], [0.0, 2.0]]), tf.constant([1, 1]), (3, 2))
    optimizer.apply([slices], [embeddings])
    np.testing.assert_allclose(embeddings.numpy(), [[0, 0], [-0.6, -0.8], [0, 0]], rtol=1e-6)


def test_is_not_decoupled_decay():
    decoupled = keras.optimizers.Adam(0.01, weight_decay=L2)
    assert not np.allclose(run(optimizers.Adam(0.01, l2=L2)), run(decoupled), rtol=1e-4)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_without_l2_it_is_keras_own(kind):
    own, keras_own = getattr(optimizers, kind)(0.1), getattr(keras.optimizers, kind)(0.1)
    np.testing.assert_array_equal(run(own), run(keras_own))


@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.Adam])
def test_config(kind):
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(kind(0.1, l2=L2))
    )
    assert type(again) is kind and again.l2 == L2


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_steps_with_a_factor_of_the_rate(options):
    """As with a rate that is as much larger, L2 and momentum included; and only in its scope."""
    found, expected = (optimizers.SGD(rate, l2=0.1, **options) for rate in (0.2, 0.3))
    variables = [keras.Variable([1.0, -2.0]) for _ in range(2)]
    gradient = [tf.constant([0.5, 1.0])]
    with found.rate_times(tf.constant(1.5)):
        found.apply(gradient, variables[:1])
    expected.apply(gradient, variables[1:])
    np.testing.assert_allclose(variables[0], variables[1], rtol=1e-6)
    assert found.rate_of_step(tf.constant(0.2)) == tf.constant(0.2)
