import pytest
import tensorflow as tf

from darts_tf.benchmark.communication import Traffic, traffic


def test_a_function_that_exchanges_nothing():
    function = tf.function(lambda x: tf.reduce_sum(x)).get_concrete_function(tf.ones(3))
    assert traffic(function) == Traffic((), 0)


@pytest.mark.parametrize(("replicas", "factor"), [(1, 0), (2, 1), (4, 1.5), (8, 1.75)])
def test_a_ring(replicas, factor):
    found = Traffic((10, 40), 200)
    assert found.sent(replicas) == factor * 200
    # Two all-reduces of 2 (R - 1) messages each.
    expected = factor * 200 / 1e3 + 2 * 2 * (replicas - 1) * 0.5
    assert found.seconds(replicas, 1e3, 0.5) == pytest.approx(expected)
