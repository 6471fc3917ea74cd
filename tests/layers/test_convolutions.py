import numpy as np
import pytest
import tensorflow as tf

from darts_tf.layers.convolutions import every_nth


@pytest.mark.parametrize("n, first", [(1, 0), (2, 0), (2, 1), (3, 0), (3, 2)])
@pytest.mark.parametrize("sizes", [(6, 12), (5, 7), (6, 5), (1, 1), (9,)])
def test_every_nth(sizes, n, first):
    """A slice that steps, zeros behind it, and its gradient."""
    rng = np.random.default_rng(0)
    shape = [2, *sizes, 3]
    whole = [-(-size // n) * n for size in sizes]
    padded = np.zeros([2, *whole, 3])
    inputs = padded[:, *(slice(size) for size in sizes)] = rng.normal(size=shape)
    steps = [slice(first, None, n)] * len(sizes)
    expected = padded[:, *steps]
    upstream = rng.normal(size=expected.shape)

    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        taken = every_nth(x, n, first)
    np.testing.assert_array_equal(taken, expected)
    gradient = np.zeros_like(padded)
    gradient[:, *steps] = upstream
    found = tape.gradient(taken, x, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(found, gradient[:, *(slice(size) for size in sizes)])


def test_the_number_of_examples_may_be_unknown():
    run = tf.function(
        lambda x: every_nth(x, 2, 1), input_signature=[tf.TensorSpec([None, 4, 5, 1])]
    )
    assert run.get_concrete_function().output_shapes.as_list() == [None, 2, 3, 1]
    assert run(tf.reshape(tf.range(20.0), [1, 4, 5, 1]))[0, :, :, 0].numpy().tolist() == [
        [6, 8, 0],
        [16, 18, 0],
    ]
