import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.relaxations import NO_DRAWS, PartialChannels, Start
from darts_tf.relaxations.node_softmax import node_softmax
from darts_tf.selections import magnitude


@pytest.fixture
def beta():
    return tf.constant(np.random.default_rng(7).normal(size=14), tf.float32)


def test_attributes(space):
    relaxation = PartialChannels()
    assert relaxation.draws == NO_DRAWS and relaxation.temperature is None
    assert relaxation.cell == "partial"
    assert relaxation.cell_arguments == {"portion": 4}
    assert relaxation.variables(space) == {"alpha": Start((14, 8)), "beta": Start((14,))}


def test_portion_is_at_least_one():
    with pytest.raises(UserError, match="portion must be at least 1, got 0"):
        PartialChannels(portion=0)


def test_edge_weights_are_a_softmax_over_the_edges_into_a_node(space, beta):
    weights = node_softmax(space, beta).numpy()
    first = 0
    for node in range(4):
        edges = slice(first, first + 2 + node)
        np.testing.assert_allclose(weights[edges], tf.nn.softmax(beta[edges]), rtol=1e-6)
        first += 2 + node
    shifted = node_softmax(space, beta + 1000)
    np.testing.assert_allclose(shifted, weights, rtol=1e-4)


def test_weights_and_probabilities(space, alpha, beta):
    variables = {"alpha": alpha, "beta": beta}
    of_operations, of_edges = PartialChannels().weights(space, "normal", variables)
    np.testing.assert_allclose(of_operations, tf.nn.softmax(alpha), rtol=1e-6)
    np.testing.assert_array_equal(of_edges, node_softmax(space, beta))
    got = PartialChannels().probabilities(space, "normal", variables)
    np.testing.assert_allclose(got, of_operations * of_edges[:, None], rtol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(got[2:5]), 1, rtol=1e-6)


def test_gradient_in_beta(space, beta):
    """d w_a / d b_c = w_a ((a == c) - w_c) for edges into one node, 0 for others."""
    with tf.GradientTape() as tape:
        tape.watch(beta)
        weights = node_softmax(space, beta)
        third = weights[3]
    expected = np.zeros(14)
    w = weights.numpy()[2:5]
    expected[2:5] = w[1] * (np.eye(3)[1] - w)
    np.testing.assert_allclose(tape.gradient(third, beta), expected, atol=1e-6)


def test_selection_is_by_the_product(beta):
    """An edge with weak operations is kept if its edge weight makes up for it."""
    space = spaces.get("darts_cnn")
    alpha = np.zeros((14, 8), "float32")
    alpha[:, 4] = 1.0
    alpha[2, 4] = 3.0
    beta = np.zeros(14, "float32")

    def sources():
        variables = {"alpha": tf.constant(alpha), "beta": tf.constant(beta)}
        weights = PartialChannels().probabilities(space, "normal", variables)
        genotype = magnitude(space, dict.fromkeys(space.cell_types, weights))
        return [edge.source for edge in genotype["normal"].nodes[1]]

    assert sources() == [0, 1]
    beta[2:5] = -3.0, 0.0, 0.0
    assert sources() == [1, 2]
