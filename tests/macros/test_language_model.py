import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import macros, spaces
from darts_tf.common import draws, seeds
from darts_tf.supernets.supernet import Supernet

SEED = tf.constant([3, 4])
TOKENS = np.random.default_rng(0).integers(0, 6, (4, 5)).astype("int32")
NONE = {f"{part}_dropout": 0.0 for part in ("input", "cell", "state", "output")}


def make(units=3, nodes=2, **options):
    """A supernet of so many nodes, 6 words."""
    keras.utils.set_random_seed(0)
    macro = macros.LanguageNetwork("small", **{**NONE, "slowness": 0.0, **options})
    space = dataclasses.replace(
        spaces.DARTS_RNN, name="small_rnn", nodes=nodes, edges=None, macro=macro
    )
    supernet = Supernet(space, (None,), num_classes=6, channels=units)
    for variable in supernet.trainable_variables:
        variable.assign(10 * variable)
    return supernet


def test_counts_of_the_paper():
    """10,000 words, 300 units; the embedding is the decoder and counts once."""
    supernet = Supernet("darts_rnn", (None,), num_classes=10_000)
    counts = [int(np.prod(variable.shape)) for variable in supernet.weight_variables]
    assert sum(counts) == 10_000 * 301 + 600 * 600 + 8 * 300 * 600 == 4_810_000
    (alpha,) = supernet.architecture_variables
    assert alpha.shape == (36, 5)
    for variable in supernet.weight_variables:
        largest = np.abs(variable).max()
        assert largest <= 0.04
        assert largest > 0.0399 or not np.any(variable), variable.path


def test_logits_and_state():
    supernet = make()
    logits, (state,) = supernet(TOKENS)
    assert logits.shape == (4, 5, 6) and logits.dtype == "float32" and state.shape == (4, 3)
    matrix = supernet.stem.embedding.embeddings.numpy()
    outputs, _ = supernet.cells[0]([matrix[TOKENS]], supernet.operation_weights()["recurrent"])
    expected = outputs.numpy() @ matrix.T + supernet.stem.embedding.bias.numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_one_text_in_two_batches():
    supernet = make()
    whole, (last,) = supernet(TOKENS)
    first, state = supernet(TOKENS[:, :2])
    second, (after,) = supernet(TOKENS[:, 2:], state=state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after, last, rtol=1e-5, atol=1e-6)


def test_two_cells_are_stacked():
    keras.utils.set_random_seed(0)
    supernet = Supernet("darts_rnn", (None,), num_classes=6, channels=3, cells=2)
    logits, state = supernet(TOKENS)
    assert logits.shape == (4, 5, 6) and [part.shape for part in state] == [(4, 3), (4, 3)]


@pytest.mark.parametrize("part", ["embedding", "input", "cell", "state", "output"])
def test_each_dropout_is_that_of_the_seed(part):
    supernet = make(units=16, **{f"{part}_dropout": 0.5})

    def outputs(**options):
        return supernet(TOKENS, **options)[0].numpy()

    plain = outputs(training=True)
    dropped = outputs(training=True, seed=SEED)
    assert np.abs(dropped - plain).max() > 1e-3
    np.testing.assert_array_equal(outputs(training=True, seed=SEED), dropped)
    assert np.abs(outputs(training=True, seed=SEED + 1) - dropped).max() > 1e-3
    np.testing.assert_array_equal(outputs(seed=SEED), outputs())


def test_whole_units_of_a_sequence_are_dropped():
    stem = macros.LanguageNetwork(input_dropout=0.5, embedding_dropout=0.0).make_stem(200, 6)
    stem.build((None, None))
    stem.embedding.embeddings.assign(tf.ones([6, 200]))
    vectors = stem(TOKENS, seed=SEED, training=True).numpy()
    np.testing.assert_array_equal(vectors, np.repeat(vectors[:, :1], 5, axis=1))
    assert set(vectors.flat) == {0, 2} and len(np.unique(vectors[:, 0], axis=0)) == 4
    assert abs(vectors.mean() - 1) < 0.2


def test_whole_words_are_dropped():
    stem = macros.LanguageNetwork(input_dropout=0.0, embedding_dropout=0.5).make_stem(4, 6)
    stem.build((None, None))
    stem.embedding.embeddings.assign(tf.ones([6, 4]))
    vectors = stem(TOKENS, seed=SEED, training=True).numpy()
    own = seeds.of_part(SEED, 0)
    kept = draws.kept([6], 0.5, own).numpy()
    assert {0, 2} == set(kept)
    np.testing.assert_array_equal(vectors, np.repeat(kept[TOKENS][..., None], 4, axis=-1))


def test_slowness_is_added_in_training():
    supernet = make(slowness=0.5)
    with keras.StatelessScope(collect_losses=True) as scope:
        supernet(TOKENS)
        assert not scope.losses
        supernet(TOKENS, training=True)
    (slowness,) = scope.losses
    outputs = []
    supernet.head.slowness.call = lambda x, training=False: outputs.append(x) or x
    supernet(TOKENS, training=True)
    expected = 0.5 * np.square(np.diff(outputs[0], axis=1)).mean()
    np.testing.assert_allclose(slowness, expected, rtol=1e-5)
