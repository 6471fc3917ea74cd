import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import Supernet, tasks
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import Duplicate, Split
from darts_tf.supernets.growth.grow import grown
from darts_tf.supernets.growth.pairs import operation_variables
from darts_tf.supernets.growth.split_gains import split_gains
from darts_tf.supernets.problem import SupernetProblem

RANDOM = np.random.default_rng(0)
TOKENS = RANDOM.integers(0, 7, (6, 5))
BATCH = TOKENS[:, :-1], TOKENS[:, 1:]
TASK = tasks.get("language_modeling")
OPERATIONS = ("tanh", "identity", "hadamard", "gated")


def make(operations=OPERATIONS, cells=1, nodes=2):
    keras.utils.set_random_seed(0)
    size = {"num_classes": 7, "channels": 4, "cells": cells}
    supernet = Supernet(chain(nodes, operations), (None,), **size)
    for variable in supernet.variables:
        if variable.dtype == "float32":
            variable.assign(variable + 0.5 * RANDOM.normal(size=variable.shape))
    return supernet


def loss(supernet):
    return float(loss_and_gradients(supernet)[0])


def loss_and_gradients(supernet):
    """The loss, and its gradients by the paths of the weights."""
    weights = [tf.convert_to_tensor(v) for v in supernet.weight_variables]
    alphas = [tf.convert_to_tensor(v) for v in supernet.architecture_variables]
    batch = TASK.from_the_start(supernet, tuple(map(tf.constant, BATCH)))
    problem = SupernetProblem(supernet, TASK, traced=False)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        found = problem.forward({WEIGHTS: weights, ARCHITECTURE: alphas}, batch).loss
    paths = [v.path for v in supernet.weight_variables]
    return found, dict(zip(paths, tape.gradient(found, weights), strict=True))


@pytest.fixture(scope="module")
def measured():
    supernet = make()
    return supernet, split_gains(supernet, TASK, BATCH)


@pytest.mark.parametrize("node", [0, 1])
def test_the_gain_is_half_the_sum_of_eigenvalues_times_the_square(measured, node):
    supernet, gains = measured
    sums = {
        place: own.eigenvalues[own.eigenvalues < 0].sum()
        for place, ((own, _),) in gains.found.items()
        if place[1] == node
    }
    place = min(sums, key=sums.get)
    promised = sums[place] / 2
    assert promised < -1e-3
    before, found = loss(supernet), []
    for eps in (0.3, 0.1):
        split = Duplicate(*place, gains.offsets(place, eps), noise=0)
        found.append((loss(grown(supernet, split)) - before) / eps**2)
    # The next term is of fourth order.
    assert found[1] == pytest.approx(promised, rel=0.05)
    assert abs(found[1] - promised) < 0.3 * abs(found[0] - promised)


def test_as_the_offset_becomes_small_the_outputs_are_the_same(measured):
    supernet, gains = measured
    place = "recurrent", 1, "tanh"
    after = grown(supernet, Duplicate(*place, gains.offsets(place, 1e-4), noise=0))
    run = tf.function(lambda supernet: supernet(TOKENS)[0])
    np.testing.assert_allclose(run(after), run(supernet), atol=1e-6)


def test_what_is_linear_gains_nothing(measured):
    _, gains = measured
    assert set(gains.found) == {("recurrent", n, name) for n in (0, 1) for name in OPERATIONS}
    for node in (0, 1):
        ((own, _),) = gains.found["recurrent", node, "identity"]
        np.testing.assert_array_equal(own.eigenvalues, 0)
    counts = [count for _, (count, _) in gains.ranked()]
    assert counts == sorted(counts, reverse=True) and counts[0] > 0


def test_the_split_is_of_the_operation_with_the_most_negative_units(measured):
    supernet, gains = measured
    (best, _), *_ = gains.ranked()
    (change,) = Split(length=0.2, noise=0).decided(supernet, lambda _: gains)
    assert (change.cell_type, change.edge, change.operation) == best
    ((own, _),) = gains.found[best]
    lengths = np.sqrt(sum((part.reshape(-1, 4) ** 2).sum(0) for part in change.offsets[0]))
    np.testing.assert_allclose(lengths, np.where(own.eigenvalues < 0, 0.2, 0), rtol=1e-5)
    every = Split(every=True).decided(supernet, lambda _: gains)
    assert len(every) == sum(count > 0 for _, (count, _) in gains.ranked()) > 1


def test_both_copies_have_gradients_of_their_own(measured):
    supernet, gains = measured
    (change,) = Split().decided(supernet, lambda _: gains)
    after = grown(supernet, change)
    place = change.cell_type, change.edge, change.operation
    variables = operation_variables(after.cells[0], "recurrent")
    copy = (*place[:2], f"{change.operation}:2")
    _, found = loss_and_gradients(after)
    for first, second in zip(variables[place], variables[copy], strict=True):
        one, other = (np.asarray(found[v.path]) for v in (first, second))
        assert np.abs(one).max() > 1e-5 and np.abs(one - other).max() > 1e-7
        # Of every unit, those too that the split does not move.
        assert (np.abs(one).reshape(-1, 4).max(0) > 0).all() and (one != other).any()


def test_two_layers_are_split_each_in_its_own_direction():
    supernet = make(("tanh", "identity"), cells=2, nodes=1)
    gains = split_gains(supernet, TASK, BATCH)
    place = "recurrent", 0, "tanh"
    first, second = (own for own, _ in gains.found[place])
    promised = sum(own.eigenvalues[own.eigenvalues < 0].sum() for own in (first, second)) / 2
    split = Duplicate(*place, gains.offsets(place, 0.1), noise=0)
    change = loss(grown(supernet, split)) - loss(supernet)
    assert change / 0.01 == pytest.approx(promised, rel=0.1)


def test_no_split_where_all_is_linear():
    supernet = make(("identity",), nodes=1)
    assert Split().decided(supernet, lambda s: split_gains(s, TASK, BATCH)) == ()
