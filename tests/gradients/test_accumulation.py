import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.errors import UserError
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_micro_batches
from darts_tf.gradients.problem import InnerStep, Level, Problem, gradients_of

RNG = np.random.default_rng(3)
IMAGES = tf.constant(RNG.normal(size=[12, 3]))
BATCH = IMAGES, tf.constant(RNG.normal(size=[12]))
OTHER = tf.constant(RNG.normal(size=[12, 3])), tf.constant(RNG.normal(size=[12]))
POINT = {
    "weights": [tf.constant(RNG.normal(size=[3, 4])), tf.constant(RNG.normal(size=[4]))],
    "architecture": [tf.constant(RNG.normal(size=[4]))],
}


def loss(point, batch, micro_batch=None):
    inputs, targets = batch
    (kernel, last), (alpha,) = point["weights"], point["architecture"]
    hidden = tf.tanh(inputs @ kernel) * tf.nn.softmax(alpha)
    return tf.reduce_mean((tf.linalg.matvec(hidden, last) - targets) ** 2), {"hidden": hidden}


@pytest.mark.parametrize("wrt", [["weights"], ["architecture"], ["weights", "architecture"]])
@pytest.mark.parametrize("parts", [2, 3, 12])
def test_gradients_are_those_of_the_whole_batch(wrt, parts):
    """And what is carried is joined again, example by example."""
    expected = gradients_of(loss, POINT, BATCH, wrt=wrt)
    got = gradients_of(AccumulatedLoss(loss, parts), POINT, BATCH, wrt=wrt)
    tf.nest.assert_same_structure(got, expected)
    for g, e in zip(tf.nest.flatten(got), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["first_order", "one_level", "finite_difference"])
def test_hypergradients_are_those_of_the_whole_batch(name):
    step = InnerStep(0.1, weight_decay=0.01)
    batches = {"weights": BATCH, "architecture": OTHER}
    expected, got = (
        gradients.get(name)(
            Problem((Level("architecture", chosen), Level("weights", chosen, step))), POINT, batches
        ).architecture[0]
        for chosen in (loss, AccumulatedLoss(loss, 4))
    )
    # The finite difference divides round-off by its radius.
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def test_mean_over_micro_batches():
    seen = []

    def function(part, number):
        seen.append(part.numpy().tolist())
        assert int(number) == len(seen) - 1
        return (tf.reduce_sum(part), tf.constant(len(seen))), 10 * part

    (mean, last), rows = mean_over_micro_batches(function, tf.range(6.0), 3)
    assert seen == [[0, 1], [2, 3], [4, 5]]
    assert (float(mean), int(last)) == (5, 3)
    np.testing.assert_array_equal(rows, 10 * np.arange(6))


def test_unequal_parts():
    with pytest.raises(UserError, match="12 examples cannot be computed in 5 equal parts"):
        gradients_of(AccumulatedLoss(loss, 5), POINT, BATCH, wrt=["weights"])


def test_memory_is_that_of_a_part():
    """In a graph every part waits for the one before it."""

    @tf.function
    def run(images, targets):
        return gradients_of(AccumulatedLoss(loss, 3), POINT, (images, targets), wrt=["weights"])

    graph = run.get_concrete_function(*BATCH).graph
    first, second, third = (op for op in graph.get_operations() if op.type == "Tanh")

    def before(op):
        found, waiting = set(), [op]
        while waiting:
            for other in (*(x.op for x in waiting.pop().inputs), *op.control_inputs):
                if other.name not in found:
                    found.add(other.name)
                    waiting.append(other)
                    waiting.extend(other.control_inputs)
        return found

    assert first.name in before(second) and second.name in before(third)
    assert third.name not in before(second)
