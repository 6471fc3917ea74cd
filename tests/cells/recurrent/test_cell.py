import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.cells.recurrent.cell import RecurrentCell
from darts_tf.genotypes import CellGenotype
from tests.cells.recurrent import by_hand

V2 = genotypes.get("RNN_DARTS_V2")["recurrent"]
RANDOM = np.random.default_rng(0)


def built(cell, features=3):
    """The cell with weights that are not small."""
    cell.build((None, features))
    for variable in cell.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    return cell


def kernels(cell):
    return [kernel.numpy() for kernel in (cell.input_kernel, *cell.kernels)]


@pytest.mark.parametrize("name", ["RNN_DARTS_V1", "RNN_DARTS_V2", "RNN_ENAS"])
def test_a_step_by_hand(name):
    genotype = genotypes.get(name)["recurrent"]
    cell = built(RecurrentCell(genotype, 4, dtype="float64"))
    x, h = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(2, 4))
    first, *others = kernels(cell)
    states = [by_hand.first(x, h, first)]
    for kernel, ((operation, source),) in zip(others, genotype.nodes, strict=True):
        states.append(by_hand.edge(states[source], kernel, operation))
    output, (state,) = cell(x, [h])
    np.testing.assert_allclose(output, np.mean([states[i] for i in genotype.concat], 0), atol=1e-6)
    np.testing.assert_array_equal(output, state)


def test_several_edges_none_and_an_isolated_node():
    genotype = CellGenotype(
        [[("tanh", 0), ("relu", 0)], [], [("none", 1), ("sigmoid", 1), ("identity", 0)]], [1, 3]
    )
    cell = built(RecurrentCell(genotype, 4, dtype="float64"))
    x, h = RANDOM.normal(size=(2, 3)), RANDOM.normal(size=(2, 4))
    k = kernels(cell)
    zero = by_hand.first(x, h, k[0])
    one = by_hand.edge(zero, k[1], "tanh") + by_hand.edge(zero, k[1], "relu")
    three = by_hand.edge(one, k[3], "sigmoid") + by_hand.edge(zero, k[3], "identity")
    np.testing.assert_allclose(cell(x, [h])[0], (one + three) / 2, atol=1e-12)


def test_only_its_own_edges_are_computed():
    cell = built(RecurrentCell(V2, 4))
    step = tf.function(lambda x, h: cell(x, [h])[0])
    graph = step.get_concrete_function(tf.zeros([2, 3]), tf.zeros([2, 4])).graph
    kinds = [operation.type for operation in graph.get_operations()]
    # x and h to node 0, and one product a node.
    assert kinds.count("MatMul") == 2 + 8
    # A gate for each node, and that of node 0; V2 has two more sigmoids, three ReLUs.
    assert kinds.count("Sigmoid") == 9 + 2
    assert kinds.count("Relu") == 3


@pytest.mark.parametrize(
    ("units", "vocabulary", "total"), [(300, 10_000, 4_810_000), (850, 10_000, 22_960_000)]
)
def test_parameters_of_the_networks_of_darts(units, vocabulary, total):
    """The cell alone, and with an embedding that is the decoder too, and the decoder's bias."""
    cell = RecurrentCell(V2, units)
    cell.build((None, units))
    own = (units + units) * 2 * units + 8 * units * 2 * units
    assert cell.count_params() == own
    assert own + vocabulary * units + vocabulary == total


def test_weights_start_uniform():
    cell = RecurrentCell(V2, 50)
    cell.build((None, 20))
    values = np.concatenate([kernel.ravel() for kernel in kernels(cell)])
    assert [kernel.shape for kernel in kernels(cell)] == [(70, 100)] + [(50, 100)] * 8
    assert np.abs(values).max() < 0.04
    # The standard deviation of a uniform distribution of that width, and of its estimate.
    assert abs(values.std() - 0.08 / np.sqrt(12)) < 3e-4


def test_steps_at_once_and_one_by_one():
    cell = built(RecurrentCell(V2, 4))
    x = RANDOM.normal(size=(5, 2, 3)).astype("float32")
    mask = tf.constant([[0.0, 2, 2], [2, 0, 2]])
    constants = cell.constants(input_mask=mask)
    together = cell.project(x, constants)
    assert together.shape == (5, 2, 8)
    for time in range(5):
        np.testing.assert_allclose(cell.project(x[time], constants), together[time], atol=1e-6)


def test_configuration():
    cell = RecurrentCell(V2, 4, name="cell")
    text = json.dumps(keras.saving.serialize_keras_object(cell))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert again.genotype == V2 and again.units == 4
    assert again.state_size == again.output_size == 4


def test_stacked_in_keras_own_layers():
    cells = [RecurrentCell(V2, 4), RecurrentCell(V2, 5)]
    layer = keras.layers.RNN(keras.layers.StackedRNNCells(cells), return_sequences=True)
    x = RANDOM.normal(size=(2, 6, 3)).astype("float32")
    one, other = (keras.layers.RNN(cell, return_sequences=True) for cell in cells)
    np.testing.assert_allclose(layer(x), other(one(x)), atol=1e-6)
