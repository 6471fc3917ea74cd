"""One matrix that turns words into vectors, and vectors into logits of words."""

import keras
import tensorflow as tf
from keras import ops

from darts_tf.common.errors import UserError


@keras.saving.register_keras_serializable("darts_tf")
class TiedEmbedding(keras.layers.Layer):
    """An embedding whose matrix is that of the decoder as well (Inan, Khosravi, Socher, ICLR 2017).

    In training, dropout takes whole words of the vocabulary away, wherever they occur in the batch,
    and scales the others by 1 / (1 - dropout) (Gal, Ghahramani, NIPS 2016, section 4.2). The
    decoder has all words always.

    Args:
        vocabulary_size: number of words or characters.
        units: length of a vector.
        dropout: share of the words that is taken away, in [0, 1). Default 0.
        scale: the matrix begins with draws from U(-scale, scale), the decoder's bias with 0.
        seed: of the draws.

    Input shape:
        Integers of any shape, below `vocabulary_size`.

    Output shape:
        `[..., units]`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        dropout: float = 0.0,
        scale: float = 0.1,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if vocabulary_size < 2 or units < 1:
            raise UserError(
                f"an embedding of {vocabulary_size} words in {units} dimensions; at least 2 and 1 "
                "are needed"
            )
        if not 0 <= dropout < 1:
            raise UserError(f"the dropout of words is {dropout}; expected a number in [0, 1)")
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.dropout = dropout
        self.scale = scale
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape=None):
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.vocabulary_size, self.units),
            initializer=keras.initializers.RandomUniform(-self.scale, self.scale, self.seed),
        )
        self.bias = self.add_weight(name="bias", shape=(self.vocabulary_size,), initializer="zeros")
        self.built = True

    def call(self, inputs, training=False):
        vectors = ops.take(self.embeddings, inputs, axis=0)
        if training and self.dropout:
            words = ops.ones((self.vocabulary_size,), vectors.dtype)
            kept = keras.random.dropout(words, self.dropout, seed=self.seed_generator)
            vectors *= ops.take(kept, inputs, axis=0)[..., None]
        return vectors

    def decode(self, vectors):
        """The logits of the next word.

        Args:
            vectors: `[..., units]`.

        Returns:
            `[..., vocabulary_size]`.
        """
        # One product that reads the matrix as it lies, instead of one with a transposed copy.
        flat = tf.reshape(vectors, [-1, self.units])
        matrix, bias = map(ops.convert_to_tensor, (self.embeddings, self.bias))
        logits = tf.linalg.matmul(flat, matrix, transpose_b=True) + bias
        # Sizes that are known stay known, without an operation that LiteRT does not have.
        sizes = tf.shape(vectors)
        known = [sizes[i] if n is None else n for i, n in enumerate(vectors.shape[:-1])]
        return tf.reshape(logits, [*known, self.vocabulary_size])

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "dropout": self.dropout,
            "scale": self.scale,
            "seed": self.seed,
        }
