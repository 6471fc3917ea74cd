import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, relaxations
from darts_tf.cells.recurrent.cell import RecurrentCell
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.common.errors import UserError
from darts_tf.spaces import DARTS_RNN
from tests.cells.recurrent import by_hand

RANDOM = np.random.default_rng(0)
SMALL = dataclasses.replace(DARTS_RNN, name="small_rnn", nodes=3, edges=None)


def built(cell, features=3):
    cell.build((None, features))
    for variable in cell.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    return cell


def step(cell, x, h, rows, **masks):
    constants = cell.constants(tf.constant(rows), **masks)
    return cell.step(cell.project(tf.constant(x), constants), tf.constant(h), constants)


def some_rows(space):
    values = RANDOM.random(size=(len(space.edges), 5))
    return values / values.sum(1, keepdims=True)


def one_hot(genotype, space):
    """The operation weights of which a genotype is the discrete cell."""
    rows = np.zeros((len(space.edges), len(space.operations)))
    for node, edges in enumerate(genotype.nodes):
        for operation, source in edges:
            rows[space.edges.index((node, source)), space.operations.index(operation)] = 1
    return rows


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("space", [DARTS_RNN, SMALL], ids=lambda space: space.name)
def test_a_step_by_hand(space, stacked):
    cell = built(RecurrentMixedCell(space, 4, stacked=stacked, dtype="float64"))
    x, h, rows = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 4)), some_rows(space)
    masks = [RANDOM.integers(2, size=values.shape) / 0.5 for values in (x, h)]
    output = step(cell, x, h, rows, input_mask=masks[0], state_mask=masks[1])
    kernels = [kernel.numpy() for kernel in (cell.input_kernel, *cell.kernels)]
    expected = by_hand.relaxed_step(x, h, kernels, rows, space.operations, masks)
    np.testing.assert_allclose(output, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["RNN_DARTS_V1", "RNN_DARTS_V2"])
def test_one_hot_weights_give_the_discrete_cell(name):
    genotype = genotypes.get(name)["recurrent"]
    mixed = built(RecurrentMixedCell("darts_rnn", 4, normalized=False, dtype="float64"))
    cell = built(RecurrentCell(genotype, 4, dtype="float64"))
    cell.set_weights(mixed.get_weights())
    x, h = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(2, 4))
    output = step(mixed, x, h, one_hot(genotype, DARTS_RNN))
    np.testing.assert_allclose(output, cell(x, [h])[0], atol=1e-14)


@pytest.mark.parametrize("relaxation", ["softmax", "node_softmax", "gumbel_softmax", "hard_gumbel"])
def test_relaxations_go_through_the_rows_with_their_gradients(relaxation):
    relaxation = relaxations.get(relaxation)
    cell = built(RecurrentMixedCell(SMALL, 4))
    alpha = tf.constant(RANDOM.normal(size=(6, 5)), tf.float32)
    x, h = (RANDOM.normal(size=(5, n)).astype("float32") for n in (3, 4))
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        temperature = None if relaxation.temperature is None else tf.constant(1.0)
        rows = relaxation.weights(
            SMALL, "recurrent", {"alpha": alpha}, temperature, tf.constant([1, 2])
        )
        constants = cell.constants(rows)
        output = cell.step(cell.project(x, constants), h, constants)
        loss = tf.reduce_sum(output * np.arange(20.0, dtype="float32").reshape(5, 4))
    gradient = tape.gradient(loss, alpha)
    assert rows.shape == (6, 5)
    assert np.abs(gradient).max() > 1e-3


def test_states_stay_bounded_where_constants_would_let_them_grow(eagerly):
    """In training and in inference, which is the same without dropout, within sqrt(batch - 1).

    By constants, be they the means of the very statistics that the steps before had with the same
    weights, the same states grow without bounds.
    """
    rng = np.random.default_rng(0)
    layer = RecurrentLayer(RecurrentMixedCell("darts_rnn", 8, dtype="float64"), dtype="float64")
    layer.build((None, None, 8))
    kernels = [rng.normal(0, 0.5 / np.sqrt(8), v.shape) for v in layer.trainable_variables]
    layer.set_weights(kernels)
    inputs, rows = rng.normal(size=(100, 16, 8)), np.full((36, 5), 0.2)
    statistics = []

    def by_batch(value):
        statistics.append((value.mean(0), value.var(0)))
        return by_hand.normalized(value)

    def run(count, normalize):
        h = np.zeros((16, 8))
        for x in inputs[:count]:
            h = by_hand.relaxed_step(x, h, kernels, rows, DARTS_RNN.operations, normalize=normalize)
        return h

    expected = run(60, by_batch)
    for training in (True, False):
        sequences = np.swapaxes(inputs[:60], 0, 1)
        found = layer(sequences, training=training, mixture=tf.constant(rows))
        np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.abs(expected).max() <= np.sqrt(15)
    of_nodes = np.mean(np.reshape(statistics, (60, 9, 2, 8))[20:], axis=0)
    constants = itertools.cycle(of_nodes)

    def by_constants(value):
        mean, variance = next(constants)
        return (value - mean) / np.sqrt(variance + 1e-5)

    with np.errstate(over="ignore"):
        assert np.abs(run(100, by_constants)).max() > 1e6


def test_its_weights_are_those_of_a_discrete_cell():
    """W_i is shared by the edges into node i and by all operations: 36 edges, 8 matrices."""
    cell = RecurrentMixedCell("darts_rnn", 300)
    cell.build((None, 300))
    trained = sum(np.prod(variable.shape) for variable in cell.trainable_variables)
    assert trained == 600 * 600 + 8 * 300 * 600 == 1_800_000
    assert not cell.non_trainable_variables


def test_candidates_of_an_edge_that_are_excluded():
    """Their weights are 0 and nothing of them is left."""
    space = SMALL.restrict({"recurrent": [("tanh", "identity")] * 6})
    alpha = tf.constant(RANDOM.normal(size=(6, 5)), tf.float32)
    rows = relaxations.get("softmax").weights(space, "recurrent", {"alpha": alpha})
    np.testing.assert_array_equal(rows.numpy()[:, [0, 2, 3]], 0)
    cell = built(RecurrentMixedCell(space, 4, normalized=False))
    x, h = (RANDOM.normal(size=(5, n)).astype("float32") for n in (3, 4))
    kernels = [kernel.numpy() for kernel in (cell.input_kernel, *cell.kernels)]
    two = rows.numpy()[:, [1, 4]]
    expected = by_hand.relaxed_step(
        x, h, kernels, two, ("tanh", "identity"), normalize=lambda value: value
    )
    np.testing.assert_allclose(step(cell, x, h, rows), expected, rtol=1e-5, atol=1e-5)


def test_refusals():
    with pytest.raises(UserError, match="'darts_cnn' has convolutional cells; a recurrent cell is"):
        RecurrentMixedCell("darts_cnn", 4)
    cell = built(RecurrentMixedCell(SMALL, 4))
    reason = r"needs operation weights of the shape \(6, 5\), \[edges, operations\]; got "
    with pytest.raises(UserError, match=reason + r"\(36, 5\)"):
        cell.constants(tf.zeros([36, 5]))
    with pytest.raises(UserError, match=reason + r"none. Run it in a RecurrentLayer"):
        keras.layers.RNN(cell)(tf.zeros([2, 5, 3]))
