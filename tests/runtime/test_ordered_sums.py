import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime import ordered_sums
from darts_tf.runtime.grappler import without_grappler

ordered_sums.use()
# In float32 the first two cancel before the third comes, which beside one of them is lost.
VALUES = 1e8, -1e8, 4.0


def inputs(dtype=tf.float32):
    return [tf.fill([64], tf.cast(value, dtype)) for value in VALUES]


def of_temporary(add_n):
    """The sum where the third input is needed by nobody else: TensorFlow takes it first."""
    held = inputs()
    run = tf.function(lambda a, b, root: add_n([a, b, tf.square(root)]), autograph=False)
    with without_grappler():
        return run(*held[:2], tf.sqrt(held[2]))[0].numpy()


def test_tensorflow_takes_the_input_that_is_free_first():
    """The fault; once TensorFlow has mended it this module may go."""
    from tensorflow.python.ops import gen_math_ops

    assert of_temporary(gen_math_ops.add_n.unordered) == 0
    assert gen_math_ops.add_n.unordered(inputs())[0].numpy() == 4


def test_the_order_is_that_of_the_inputs():
    assert of_temporary(tf.add_n) == tf.add_n(inputs())[0].numpy() == 4


def test_gradients_are_summed_in_the_order_of_their_operations():
    # The last use of x gives its gradient first.
    def slope(x, scales):
        with tf.GradientTape() as tape:
            tape.watch(x)
            used = [tf.sin(x) * scale for scale in scales]
            total = sum(tf.reduce_sum(one) for one in used)
        return tape.gradient(total, x)

    scales = inputs()
    zeros = tf.zeros([64])
    expected = np.float32(VALUES[2]) + np.float32(VALUES[1]) + np.float32(VALUES[0])
    traced = tf.function(slope, autograph=False)
    found = {float(traced(zeros, scales)[0]) for _ in range(50)}
    assert found == {float(slope(zeros, scales)[0])} == {float(expected)}


def test_equal_sums_stay_ordered():
    """TensorFlow computes sums of equal inputs once, and then each result has two readers."""

    @tf.function(autograph=False)
    def run(a, b, root):
        one, other = tf.square(root), tf.square(root + 1)
        mixed = tf.reshape(one, [8, 8]) @ tf.reshape(other, [8, 8])
        return tf.add_n([a, b, one, other]), tf.add_n([a, b, other, one]), mixed

    with without_grappler():
        held = inputs()
        found = {tuple(float(x[0]) for x in run(*held[:2], held[2])[:2]) for _ in range(300)}
    assert found == {(16 + 25, 25 + 16)}


@pytest.mark.parametrize("count", [1, 2, 3, 9, 17])
def test_sums(count):
    rng = np.random.default_rng(count)
    values = rng.integers(-9, 9, (count, 5)).astype(np.float32)
    assert tf.add_n(list(map(tf.constant, values))).numpy().tolist() == values.sum(0).tolist()


def test_integers_and_what_is_no_tensor_stay_as_they_were():
    assert tf.add_n([1, 2, 3]).numpy() == 6
    assert tf.add_n([tf.constant([1]), tf.constant([2]), tf.constant([3])]).dtype == tf.int32


def test_it_is_used_once():
    from tensorflow.python.ops import gen_math_ops

    before = gen_math_ops.add_n
    ordered_sums.use()
    assert gen_math_ops.add_n is before
