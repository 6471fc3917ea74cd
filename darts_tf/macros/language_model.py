"""The network around a recurrent cell that predicts each next word or character of a text."""

import types
from collections.abc import Mapping

import keras
import tensorflow as tf

from darts_tf.common import draws, seeds
from darts_tf.common.errors import UserError
from darts_tf.layers.activation_regularization import Slowness
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.layers.tied_embedding import TiedEmbedding
from darts_tf.macros.macro import CellPlan, Macro
from darts_tf.macros.search_settings import SearchSettings

# Of the authors' code: all weights start uniform in [-0.04, 0.04].
_START = 0.04


class LanguageNetwork(Macro):
    """Embedding, recurrent cells, and the embedding's own matrix as decoder.

    The network that DARTS searches its recurrent cell in (Liu, Simonyan, Yang, ICLR 2019, appendix
    A.1.2), with the dropout of Merity, Keskar, Socher, ICLR 2018. In the search that is high,
    because 300 units and a cell of all candidates learn the Penn Treebank by heart. Every mask is
    drawn once a sequence and is the same at all of its steps.

    The sizes are 300 units in a search and 850 in training, and one cell; further ones are stacked.
    A supernet of it takes integers `[batch, time]`, both unknown: `Supernet("darts_rnn", (None,),
    num_classes=vocabulary)`.

    Args:
        name: what `Space.macro` refers to.
        embedding_dropout: share of whole words of the vocabulary, `dropoute` of the authors' code.
        input_dropout: share of the embedding's units, `dropouti`.
        cell_dropout: share of a cell's x_t, `dropoutx`.
        state_dropout: share of the states inside a cell, `dropouth`.
        output_dropout: share of the last cell's outputs, `dropout`.
        slowness: factor of the mean square of the outputs' change by a step, `beta`.

    Example:
        >>> small = LanguageNetwork("small_text", output_dropout=0.2, cell_dropout=0.2)
        >>> space = dataclasses.replace(spaces.get("darts_rnn"), name="small_rnn", macro=small)
    """

    search_size = (300, 1)
    network_size = (850, 1)
    stems = ("words",)
    least_outputs = 2
    # Of the authors' code for the Penn Treebank, whose 929,589 words are 104 batches of 256 columns
    # and 35 steps, in 50 epochs.
    search_settings = SearchSettings(
        weight_learning_rate=(20.0, 20.0),
        weight_momentum=0.0,
        weight_decay=5e-7,
        clip_norm=0.25,
        unrolled_clip_norm=0.25,
        architecture_learning_rate=3e-3,
        architecture_steps=50 * 104,
        architecture_betas=(0.9, 0.999),
        architecture_weight_decay=1e-3,
    )

    def __init__(
        self,
        name: str = "language_model",
        embedding_dropout: float = 0.0,
        input_dropout: float = 0.2,
        cell_dropout: float = 0.75,
        state_dropout: float = 0.25,
        output_dropout: float = 0.75,
        slowness: float = 1e-3,
    ):
        self.name = name
        self._of_stem = {"embedding_dropout": embedding_dropout, "input_dropout": input_dropout}
        self._of_head = {"output_dropout": output_dropout, "slowness": slowness}
        self._of_cells = {"dropout": cell_dropout, "recurrent_dropout": state_dropout}

    @property
    def cell_arguments(self) -> Mapping:
        return types.MappingProxyType(self._of_cells)

    def signature(self, shape):
        if len(shape) != 1:
            raise UserError(
                f"input_shape is {tuple(shape)}; the network {self.name!r} reads texts, whose "
                "shape is (steps,), or (None,) for any number of steps"
            )
        return tf.TensorSpec((None, *shape), tf.int32)

    def make_stem(self, channels, num_classes):
        return WordVectors(num_classes, channels, **self._of_stem, name="stem")

    def parts(self, channels, cells):
        return [CellPlan(channels)] * cells

    def make_head(self, num_classes, stem):
        return WordLogits(stem.embedding, **self._of_head, name="head")


class WordVectors(keras.layers.Layer):
    """The vectors of words, some of whose units are dropped.

    Args:
        vocabulary_size: number of words or characters.
        units: length of a vector.
        embedding_dropout: share of whole words that are 0 wherever they occur.
        input_dropout: share of the units of a sequence that are 0 at all of its steps.

    Call arguments:
        tokens: integers `[batch, time]`.
        seed: `[2]` int32, of the dropout; None for none.
        training: whether there is dropout.

    Output shape: `[batch, time, units]`.
    """

    draws = True

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        embedding_dropout: float = 0.0,
        input_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.embedding_dropout = embedding_dropout
        self.input_dropout = input_dropout
        with inner_layers(self.dtype_policy):
            self.embedding = TiedEmbedding(vocabulary_size, units, scale=_START)

    def build(self, tokens_shape):
        self.embedding.build(tokens_shape)
        self.built = True

    def call(self, tokens, seed=None, training=False):
        vectors = self.embedding(tokens)
        if seed is None or not training:
            return vectors
        if self.embedding_dropout:
            of_words = seeds.of_part(seed, 0)
            shape = [self.embedding.vocabulary_size]
            kept = draws.kept(shape, self.embedding_dropout, of_words)
            vectors *= tf.cast(tf.gather(kept, tokens)[..., None], vectors.dtype)
        return _dropped(vectors, self.input_dropout, seed)

    def compute_output_shape(self, tokens_shape):
        return self.embedding.compute_output_shape(tokens_shape)


class WordLogits(keras.layers.Layer):
    """The logits of the next word, by the matrix of the embedding.

    Args:
        embedding: that of the stem.
        output_dropout: share of the units of a sequence that are 0 at all of its steps.
        slowness: see `darts_tf.layers.activation_regularization.Slowness`; of what comes in, before
            the dropout.

    Call arguments:
        vectors: `[batch, time, units]`.
        seed: `[2]` int32, of the dropout; None for none.
        training: whether there is dropout.

    Output shape: `[batch, time, vocabulary_size]`, float32.
    """

    draws = True

    def __init__(
        self,
        embedding: TiedEmbedding,
        output_dropout: float = 0.0,
        slowness: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.embedding = embedding
        self.output_dropout = output_dropout
        with inner_layers(self.dtype_policy):
            self.slowness = Slowness(slowness)

    def build(self, vectors_shape):
        self.built = True

    def call(self, vectors, seed=None, training=False):
        vectors = self.slowness(vectors, training=training)
        if seed is not None and training:
            vectors = _dropped(vectors, self.output_dropout, seed)
        logits = self.embedding.decode(vectors)
        return tf.cast(logits, keras.backend.result_type(logits.dtype, "float32"))

    def compute_output_shape(self, vectors_shape):
        return (*vectors_shape[:-1], self.embedding.vocabulary_size)


def _dropped(vectors, rate: float, seed) -> tf.Tensor:
    """`[batch, time, units]` without a share of the units of every sequence."""
    if not rate:
        return vectors
    own = seeds.of_part(seed, 1)
    shape = [tf.shape(vectors)[0], vectors.shape[-1]]
    mask = draws.kept_of_batch(shape, rate, own)
    return vectors * tf.cast(mask[:, None], vectors.dtype)
