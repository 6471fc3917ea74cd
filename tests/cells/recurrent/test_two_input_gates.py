import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.cells.recurrent import two_input_gates
from darts_tf.cells.recurrent.two_input_cell import TwoInputCell
from darts_tf.common.errors import UserError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(6, 5)).astype("float32")


def random(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def built(cell):
    cell.build((None, X.shape[-1]))
    for variable in cell.trainable_variables:
        variable.assign(random(*variable.shape))
    return cell


def test_an_lstm():
    lstm = built(keras.layers.LSTMCell(4))
    h, c = random(6, 4), 5 * random(6, 4)
    expected, (_, cell_state) = lstm(X, [h, c])
    chain = two_input_gates.from_keras(lstm)
    output, _ = chain(X, [np.concatenate([h, c, 0 * h], -1)])
    np.testing.assert_allclose(output[:, :4], expected, atol=1e-6)
    np.testing.assert_allclose(output[:, 4:8], cell_state, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(output[:, 8:], 0, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_gru(reset_after):
    gru = built(keras.layers.GRUCell(4, reset_after=reset_after))
    h = random(6, 4)
    expected, _ = gru(X, [h])
    output, _ = two_input_gates.from_keras(gru)(X, [np.concatenate([h, 0 * h], -1)])
    np.testing.assert_allclose(output[:, :4], expected, atol=1e-6)
    np.testing.assert_allclose(output[:, 4:], 0, atol=1e-6)


def test_over_a_sequence():
    lstm = built(keras.layers.LSTMCell(3))
    sequence = random(2, 7, 5)
    expected = keras.layers.RNN(lstm, return_sequences=True)(sequence)
    chain = two_input_gates.from_keras(lstm)
    outputs = keras.layers.RNN(chain, return_sequences=True)(sequence)[..., :3]
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize("genotype", [two_input_gates.LSTM, two_input_gates.GRU_RESET_AFTER])
def test_they_are_genotypes(genotype):
    read = genotypes.Genotype.from_json(genotype.to_json())
    assert read == genotype and read.space == "two_input_rnn"


def _slope(cell, size):
    """How fast the last coordinate of h moves the output where the state has some size."""
    state = np.zeros((1, cell.units), "float32")
    state[0, :-1] = size
    moved = tf.constant(state)
    with tf.GradientTape() as tape:
        tape.watch(moved)
        output, _ = cell(X[:1], [moved])
        total = tf.reduce_sum(output)
    return float(tf.reduce_max(tf.abs(tape.gradient(total, moved))))


def test_only_gates_have_slopes_without_a_bound():
    def chain(operation):
        edges = [[(operation, 0)], [("tanh", 1), ("identity", 1)], [(operation, 2)]]
        return built(TwoInputCell({"nodes": edges, "concat": [3]}, 3))

    for name in ("tanh", "sigmoid", "relu", "identity", "hadamard"):
        cell = chain(name)
        values = [keras.ops.convert_to_numpy(v) for v in cell.trainable_variables]
        norms = [np.linalg.norm(v, 2) for v in values if v.shape == (3, 3)]
        largest = max(1, *(abs(X[:1] @ v).max() for v in values if v.shape == (5, 3)))
        # Each node's constant, by the spectral norms of its operations.
        bound = np.sqrt(3) * np.prod([1 + 2 * largest * n for n in norms])
        assert _slope(cell, 1e3) < bound and _slope(cell, 1e6) < bound
    # A gate that nothing but the last coordinate opens, around its middle.
    gated = TwoInputCell({"nodes": [[("gated", 0)]], "concat": [1]}, 2)
    gated.build((None, 5))
    gated.parameters[0][0].input_kernel.assign(np.zeros((5, 2)))
    gated.parameters[0][0].state_kernel.assign([[0, 0], [1, 0]])
    assert _slope(gated, 1e6) == pytest.approx(0.25e6, rel=1e-5)


def test_other_cells_are_refused():
    with pytest.raises(UserError, match="expected a built LSTMCell or GRUCell"):
        two_input_gates.from_keras(keras.layers.LSTMCell(3))
    with pytest.raises(UserError, match="activations tanh and sigmoid, got .'relu', 'sigmoid'"):
        two_input_gates.from_keras(built(keras.layers.GRUCell(3, activation="relu")))
