import keras
import numpy as np
import pytest

from darts_tf.cells.recurrent.discrete import cell_of
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.two_input_cell import TwoInputCell
from darts_tf.cells.recurrent.two_input_mixed_cell import TwoInputMixedCell
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Genotype
from darts_tf.spaces import TWO_INPUT_RNN
from darts_tf.spaces.two_input_rnn import chain

RANDOM = np.random.default_rng(0)
X, S = (RANDOM.normal(size=shape).astype("float32") for shape in [(4, 5), (4, 3)])


def randomised(cell, features=5):
    cell.build((None, features))
    for variable in cell.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    return cell


def discrete(*nodes, units=3):
    edges = [[(name, i) for name in names] for i, names in enumerate(nodes)]
    return TwoInputCell({"nodes": edges, "concat": [len(nodes)]}, units)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


EXPECTED = {
    "tanh": lambda u, v, s: np.tanh(u + v),
    "sigmoid": lambda u, v, s: sigmoid(u + v),
    "relu": lambda u, v, s: np.maximum(u + v, 0),
    "identity": lambda u, v, s: u + v,
    "hadamard": lambda u, v, s: u * v,
    "gated": lambda u, v, s: sigmoid(u + v) * s,
}


def by_hand(name, parameters, s):
    w, r, b = (0.0 if p is None else keras.ops.convert_to_numpy(p) for p in parameters)
    return EXPECTED[name](X @ w + b, s @ r, s)


def test_the_candidates_are_the_space_s():
    assert tuple(EXPECTED) == TWO_INPUT_RNN.operations


@pytest.mark.parametrize("name", EXPECTED)
def test_an_operation(name):
    cell = randomised(discrete([name]))
    output, (state,) = cell(X, [S])
    np.testing.assert_allclose(output, by_hand(name, cell.parameters[0][0], S), rtol=1e-5)
    np.testing.assert_array_equal(output, state)


def test_a_chain_sums_operations_and_every_node_reads_the_input():
    cell = randomised(discrete(["tanh", "hadamard"], ["relu", "relu"]))
    (first, second), (third, fourth) = cell.parameters
    s = by_hand("tanh", first, S) + by_hand("hadamard", second, S)
    expected = by_hand("relu", third, s) + by_hand("relu", fourth, s)
    np.testing.assert_allclose(cell(X, [S])[0], expected, rtol=1e-4)
    assert cell.count_params() == 4 * (5 * 3 + 3 * 3) + 3 * 3


def test_a_copy_alone_gives_the_state_before():
    cell = discrete(["copy"])
    np.testing.assert_array_equal(cell(X, [S])[0], S)
    assert not cell.trainable_variables
    np.testing.assert_array_equal(discrete(["none"])(X, [S])[0], 0 * S)


def test_the_relaxed_cell_weighs_all_candidates():
    space = chain(2)
    cell = randomised(TwoInputMixedCell(space, 3))
    rows = RANDOM.random((2, 6)).astype("float32")
    s = S
    for row, parameters in zip(rows, cell.parameters, strict=True):
        terms = zip(row, space.operations, parameters, strict=True)
        s = sum(weight * by_hand(name, own, s) for weight, name, own in terms)
    layer = RecurrentLayer(cell)
    np.testing.assert_allclose(layer(X[:, None], initial_state=S, mixture=rows), s, rtol=1e-4)


def test_what_is_no_candidate_has_no_parameters():
    space = chain(2).restrict({"recurrent": [["tanh", "gated"], ["hadamard"]]})
    cell = randomised(TwoInputMixedCell(space, 3))
    assert cell.candidates == (("tanh", "gated"), ("hadamard",))
    assert [len(node) for node in cell.parameters] == [2, 1]
    rows = np.eye(6, dtype="float32")[[5, 4]]
    (_, gated), (hadamard,) = cell.parameters
    expected = by_hand("hadamard", hadamard, by_hand("gated", gated, S))
    outputs = RecurrentLayer(cell)(X[:, None], initial_state=S, mixture=rows)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_rows_of_another_shape_are_refused():
    layer = RecurrentLayer(TwoInputMixedCell(chain(2), 3))
    with pytest.raises(UserError, match=r"the shape \(2, 6\), .* got \(3, 6\)"):
        layer(X[:, None], mixture=np.ones((3, 6), "float32"))


def test_dropout_multiplies_inputs_and_states():
    cell = randomised(discrete(["identity"], ["identity"]))
    masks = [RANDOM.random((4, size)).astype("float32") for size in (5, 3)]
    (first,), (second,) = cell.parameters
    s = S
    for w, r, b in (first, second):
        w, r, b = map(keras.ops.convert_to_numpy, (w, r, b))
        s = (X * masks[0]) @ w + (s * masks[1]) @ r + b
    outputs = RecurrentLayer(cell)(X[:, None], initial_state=S, masks=masks)
    np.testing.assert_allclose(outputs, s, rtol=1e-4)


@pytest.mark.parametrize(
    "cell", [discrete(["tanh", "tanh"], ["gated"]), TwoInputMixedCell("two_input_rnn", 3)]
)
def test_they_are_saved_with_their_layer(cell, tmp_path):
    rows = None if isinstance(cell, TwoInputCell) else np.full((4, 6), 1 / 6, "float32")
    inputs = keras.Input((None, 5))
    outputs = RecurrentLayer(cell, return_sequences=True)(inputs, mixture=rows)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    sequences = RANDOM.normal(size=(2, 7, 5)).astype("float32")
    np.testing.assert_array_equal(again(sequences), model(sequences))


def test_the_cell_of_a_genotype_is_that_of_its_space():
    found = Genotype(chain(1), {"recurrent": CellGenotype([[("gated", 0)]], [1])})
    assert type(cell_of(found, 3)) is TwoInputCell
