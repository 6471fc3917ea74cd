import keras
import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.layers.tied_embedding import TiedEmbedding


def make(**options):
    layer = TiedEmbedding(5, 3, seed=1, **options)
    layer.build()
    return layer


def test_the_decoder_is_the_embedding():
    layer = make()
    tokens = np.array([[0, 4, 4]])
    vectors = layer(tokens)
    matrix = layer.embeddings.numpy()
    np.testing.assert_array_equal(vectors, matrix[tokens])
    layer.bias.assign([1.0, 2.0, 3.0, 4.0, 5.0])
    expected = matrix[tokens] @ matrix.T + np.arange(1, 6)
    np.testing.assert_allclose(layer.decode(vectors), expected, rtol=1e-5)
    assert layer.count_params() == 5 * 3 + 5
    assert abs(matrix).max() <= 0.1 and abs(matrix).max() > 0.05


def test_dropout_takes_whole_words():
    layer = TiedEmbedding(1000, 2, dropout=0.25, seed=1)
    layer.build()
    tokens = np.arange(1000).repeat(2).reshape(2, 1000)
    shares = layer(tokens, training=True).numpy() / layer.embeddings.numpy()[tokens]
    kept = shares.reshape(1000, 4).round(4)
    assert (kept == kept[:, :1]).all()
    np.testing.assert_allclose(np.unique(kept), [0, 4 / 3], rtol=1e-4)
    assert (kept[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.05)
    np.testing.assert_array_equal(layer(tokens), layer.embeddings.numpy()[tokens])


def test_config():
    layer = TiedEmbedding.from_config(make(dropout=0.5, scale=0.2).get_config())
    assert (layer.vocabulary_size, layer.units, layer.dropout, layer.scale) == (5, 3, 0.5, 0.2)


@pytest.mark.parametrize("arguments", [(1, 3), (5, 0), (5, 3, 1.0), (5, 3, -0.1)])
def test_bad_arguments(arguments):
    with pytest.raises(UserError, match="embedding of|dropout of words"):
        TiedEmbedding(*arguments)


def test_is_registered():
    layer = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(make()))
    assert type(layer) is TiedEmbedding
