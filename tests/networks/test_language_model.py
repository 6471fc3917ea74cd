import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.networks.language_model import LanguageModel, build_language_model

TOKENS = np.random.RandomState(0).randint(0, 10, (3, 7))


def test_counts_by_hand():
    # Embedding 10 * 4, decoder's bias 10, LSTM 4 * (4 * 4 + 4 * 4 + 4).
    assert build_language_model("lstm", 10, 4).count_params() == 40 + 10 + 144
    # GRU 3 * (4 * 4 + 4 * 4 + 2 * 4).
    assert build_language_model("gru", 10, 4).count_params() == 40 + 10 + 120


def test_the_published_cell_has_the_papers_number_of_weights():
    model = build_language_model("RNN_DARTS_V2", 10_000, 850, dropout=0.2, recurrent_dropout=0.25)
    assert model.count_params() == 22_960_000


@pytest.mark.parametrize("cell", ["lstm", "gru", "RNN_DARTS_V2", keras.layers.SimpleRNNCell(4)])
def test_the_state_goes_on(cell):
    model = build_language_model(cell, 10, 4)
    whole, last = model(TOKENS)
    assert whole.shape == (3, 7, 10)
    first, state = model(TOKENS[:, :5])
    rest, state = model(TOKENS[:, 5:], state=state)
    np.testing.assert_allclose(np.concatenate([first, rest], 1), whole, atol=1e-6)
    for one, other in zip(state, last, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert [x.shape for x in model.initial_state(3)] == [x.shape for x in state]


def test_the_logits_by_hand():
    model = build_language_model(keras.layers.SimpleRNNCell(2, activation=None), 3)
    embeddings, bias = np.array([[1.0, 0], [0, 1], [2, 1]]), np.array([0.5, 0, 0])
    kernel, recurrent = np.eye(2), np.array([[0.0, 1], [1, 0]])
    for variable, value in zip(
        model.trainable_variables, (embeddings, bias, kernel, recurrent, np.zeros(2)), strict=True
    ):
        variable.assign(value)
    logits, (state,) = model(np.array([[0, 2]]))
    # The states are (1, 0) and (2, 1) + (0, 1).
    np.testing.assert_allclose(logits[0], [[1.5, 0, 2], [2.5, 2, 6]])
    np.testing.assert_allclose(state, [[2, 2]])


def test_one_trace_for_all_lengths():
    model = build_language_model("gru", 10, 4)
    traces = []

    @tf.function(input_signature=[tf.TensorSpec([3, None], tf.int32)])
    def run(tokens):
        traces.append(1)
        return model(tokens, training=True)[0]

    for steps in (1, 5, 7):
        tokens = tf.constant(TOKENS[:, :steps], tf.int32)
        np.testing.assert_allclose(run(tokens), model(tokens)[0], atol=1e-6)
    assert len(traces) == 1


@pytest.mark.parametrize("part", ["input_dropout", "output_dropout"])
def test_dropout_is_the_same_at_all_steps_and_scaled(part):
    model = build_language_model("gru", 10, 64, seed=1, **{part: 0.5})
    layer = getattr(model, part)
    found = layer(tf.ones((2, 5, 64)), training=True).numpy()
    assert (found == found[:, :1]).all() and set(np.unique(found)) == {0.0, 2.0}
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(model(TOKENS)[0], model(TOKENS)[0])
    assert not np.allclose(model(TOKENS, training=True)[0], model(TOKENS)[0])


@pytest.mark.parametrize("cell", ["lstm", "RNN_DARTS_V2"])
@pytest.mark.parametrize("part", ["dropout", "recurrent_dropout"])
def test_a_cells_own_dropout_is_used(cell, part):
    model = build_language_model(cell, 10, 16, seed=1, **{part: 0.5})
    model.embedding.embeddings.assign(np.random.RandomState(1).normal(size=(10, 16)))
    assert not np.allclose(model(TOKENS, training=True)[0], model(TOKENS)[0])


def test_losses_of_the_outputs():
    model = build_language_model("gru", 10, 4, activation=2.0, slowness=3.0)
    model(TOKENS)
    assert model.losses == []
    model(TOKENS, training=True)
    vectors = model.embedding(TOKENS)
    outputs = model.recurrent(vectors)[0].numpy()
    change = outputs[:, 1:] - outputs[:, :-1]
    expected = sorted([3 * (change**2).mean(), 2 * (outputs**2).mean()])
    model(TOKENS, training=True)
    np.testing.assert_allclose(sorted(map(float, model.losses)), expected, rtol=1e-5)


def test_a_functional_call_carries_the_state():
    model = build_language_model("lstm", 10, 4, slowness=1.0)
    variables = model.trainable_variables, model.non_trainable_variables
    weights = [2 * tf.convert_to_tensor(v) for v in variables[0]]
    (logits, state), _, losses = model.stateless_call(
        weights, [v.value for v in variables[1]], TOKENS, training=True, return_losses=True
    )
    assert not np.allclose(logits, model(TOKENS)[0]) and len(state) == 2 and losses[0] > 0
    for variable in variables[0]:
        variable.assign(2 * variable)
    np.testing.assert_allclose(logits, model(TOKENS)[0], atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "RNN_DARTS_V2"])
def test_is_saved_and_loaded(tmp_path, cell):
    options = {"output_dropout": 0.5, "slowness": 0.1, "seed": 3}
    model = build_language_model(cell, 10, 4, dropout=0.3, **options)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is LanguageModel and again.slowness.factor == 0.1
    assert again.output_dropout.rate == 0.5
    np.testing.assert_array_equal(again(TOKENS)[0], model(TOKENS)[0])


def test_dropout_of_a_cell_that_is_made_already():
    with pytest.raises(UserError, match="dropout of 0.5 and 0 was asked for inside of the cell"):
        build_language_model(keras.layers.GRUCell(4), 10, dropout=0.5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("rnn", 10, 4), "'rnn' is neither a genotype file .*, or lstm or gru"),
        (("DARTS_V2", 10, 4), "of the space 'darts_cnn', has normal, reduce"),
        ((keras.layers.RNN(keras.layers.GRUCell(4)), 10), "return_sequences=True"),
        (("lstm", 10), "the cell lstm needs a size"),
        ((keras.layers.GRUCell(4), 10, 5), "outputs have the size 4, and units is 5"),
        ((7, 10), "expected a Keras RNN cell"),
        ((genotypes.get("RNN_DARTS_V2"), 10), "needs a size"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        build_language_model(*arguments)
