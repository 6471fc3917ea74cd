"""A language model around a recurrent cell: tied embedding, dropout of several kinds, state."""

import keras
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.cells.recurrent.discrete import cell_of
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.common.errors import UserError
from darts_tf.common.seeds import consecutive
from darts_tf.layers.activation_regularization import ActivationRegularization, Slowness
from darts_tf.layers.keras_settings import check_policy
from darts_tf.layers.tied_embedding import TiedEmbedding

_CELLS = {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}


@keras.saving.register_keras_serializable("darts_tf")
class LanguageModel(keras.Model):
    """Predicts each next word or character of a text.

    Embedding, one recurrent layer, and the embedding's own matrix as decoder, as DARTS trains its
    recurrent cell (Liu, Simonyan, Yang, ICLR 2019, section 3.2), after Merity, Keskar, Socher, ICLR
    2018. The state goes in and comes out, so that a functional call (`stateless_call`) carries it
    as well. What `slowness` and `activation` add is among `losses`, in training.

    Args:
        cell: a Keras RNN cell, or a layer that runs one (`keras.layers.RNN`, `RecurrentLayer`) and
            returns sequences and the state. The size of its outputs is that of the embedding.
        vocabulary_size: number of words or characters.
        embedding_dropout: share of whole words that the embedding loses. Default 0, as others.
        input_dropout: share of the embedding's units, the same at all steps of a sequence.
        output_dropout: share of the recurrent layer's outputs, the same at all steps too.
        activation: factor of the mean square of the outputs after dropout (AR, alpha).
        slowness: factor of the mean square of the outputs' change by a step (TAR, beta).
        seed: of the embedding and of all dropout but the cell's own.

    Call arguments:
        tokens: integers `[batch, time]`; both may be unknown.
        state: tensors as `initial_state` returns them; None for that.
        training: whether there is dropout. Default False.

    Output shape:
        Logits `[batch, time, vocabulary_size]` and the state after the last step.

    Example:
        >>> model = LanguageModel(keras.layers.LSTMCell(64), vocabulary_size=65)
        >>> logits, state = model(tf.zeros([8, 35], tf.int32))
        >>> logits, state = model(tf.zeros([8, 20], tf.int32), state=state)
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        vocabulary_size: int,
        embedding_dropout: float = 0.0,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        activation: float = 0.0,
        slowness: float = 0.0,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_policy(self.dtype_policy)
        self.vocabulary_size = vocabulary_size
        self._settings = {
            "embedding_dropout": embedding_dropout,
            "input_dropout": input_dropout,
            "output_dropout": output_dropout,
            "activation": activation,
            "slowness": slowness,
            "seed": seed,
        }
        seeds = [None if seed is None else consecutive(seed, part) for part in range(3)]
        options = {"dtype": self.dtype_policy}
        self._made_layer = not isinstance(cell, keras.layers.RNN)
        if self._made_layer:
            cell = keras.layers.RNN(cell, return_sequences=True, return_state=True, **options)
        _check_layer(cell)
        self.embedding = TiedEmbedding(
            vocabulary_size, cell.cell.output_size, embedding_dropout, seed=seeds[0], **options
        )
        # Whole units of a sequence, at all of its steps.
        self.input_dropout, self.output_dropout = (
            keras.layers.SpatialDropout1D(rate, seed=seed, **options)
            for rate, seed in zip((input_dropout, output_dropout), seeds[1:], strict=True)
        )
        self.recurrent = cell
        self.slowness = Slowness(slowness, **options)
        self.activation = ActivationRegularization(activation, **options)
        self.build((None, None))

    @property
    def cell(self) -> keras.layers.Layer:
        """The recurrent cell."""
        return self.recurrent.cell

    def build(self, input_shape):
        self.embedding.build(input_shape)
        self.recurrent.build((*input_shape, self.cell.output_size))
        self.built = True

    def initial_state(self, batch_size) -> list[tf.Tensor]:
        """The state before a text begins: what the cell says, `[batch_size, units]` each."""
        return tf.nest.flatten(self.cell.get_initial_state(batch_size=batch_size))

    def call(self, tokens, state=None, training=False):
        if state is None:
            state = self.initial_state(tf.shape(tokens)[0])
        vectors = self.input_dropout(self.embedding(tokens, training=training), training=training)
        outputs, *state = self.recurrent(vectors, initial_state=list(state), training=training)
        outputs = self.slowness(outputs, training=training)
        outputs = self.activation(
            self.output_dropout(outputs, training=training), training=training
        )
        return self.embedding.decode(outputs), state

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(
                self.cell if self._made_layer else self.recurrent
            ),
            "vocabulary_size": self.vocabulary_size,
            **self._settings,
        }

    @classmethod
    def from_config(cls, config):
        cell = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**{**config, "cell": cell})


def build_language_model(
    cell,
    vocabulary_size: int,
    units: int | None = None,
    *,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    **options,
) -> LanguageModel:
    """A language model around a cell, new weights in it.

    Args:
        cell: a `Genotype` of a recurrent space or the name of a published one ("RNN_DARTS_V2"),
            "lstm" or "gru", to compare with, or a Keras RNN cell, or a layer that runs
            one, as for `LanguageModel`.
        vocabulary_size: number of words or characters.
        units: of a cell that is not made yet; a Keras cell has its own.
        dropout: of the cell's inputs, the same at all steps of a sequence (`dropoutx`); not for a
            Keras cell, which has its own.
        recurrent_dropout: of the states inside the cell (`dropouth`), likewise.
        **options: of `LanguageModel`.

    Raises:
        UserError: the cell is none, or its size is missing or another one.
    """
    if isinstance(cell, str | genotypes.Genotype):
        if units is None:
            raise UserError(f"the cell {cell!s:.60} needs a size: give units")
        rates = {"dropout": dropout, "recurrent_dropout": recurrent_dropout}
        return LanguageModel(_made(cell, units, rates), vocabulary_size, **options)
    if dropout or recurrent_dropout:
        raise UserError(
            f"dropout of {dropout:g} and {recurrent_dropout:g} was asked for inside of the cell "
            f"{cell!r:.60}, which is made already: make it with them"
        )
    inner = cell.cell if isinstance(cell, keras.layers.RNN) else cell
    size = getattr(inner, "output_size", getattr(inner, "state_size", None))
    if not callable(cell) or size is None:
        raise UserError(f"expected a Keras RNN cell with a state_size, got {cell!r:.60}")
    if not isinstance(size, int) or units not in (None, size):
        raise UserError(
            f"the cell's outputs have the size {size}, and units is {units}; one vector of that "
            "size is decoded: give the cell's size, or leave units out"
        )
    return LanguageModel(cell, vocabulary_size, **options)


def _made(cell, units, rates):
    """A Keras cell of a name, or the layer of a genotype."""
    if isinstance(cell, str) and cell in _CELLS:
        return _CELLS[cell](units, **rates)
    try:
        genotype = genotypes.get(cell) if isinstance(cell, str) else cell
    except UserError as error:
        raise UserError(f"{error}, or {' or '.join(_CELLS)}") from error
    return RecurrentLayer(
        cell_of(genotype, units), **rates, return_sequences=True, return_state=True
    )


def _check_layer(layer: keras.layers.RNN) -> None:
    if not (layer.return_sequences and layer.return_state) or layer.stateful or layer.go_backwards:
        raise UserError(
            "a language model's recurrent layer has to be made with return_sequences=True and "
            "return_state=True, not stateful and not going backwards"
        )
