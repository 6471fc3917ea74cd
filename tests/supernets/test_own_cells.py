"""A cell with a control and a state of its own, in a macro network that takes integers."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import macros, spaces
from darts_tf.cells import kinds
from darts_tf.cells.relaxed import RelaxedCell
from darts_tf.common.controls import Control
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.relaxations import Softmax
from darts_tf.supernets.supernet import Supernet

ARGUMENTS = ((4,), 5, 3, 1)


class Summing(RelaxedCell):
    """The running sum over time, from the state on, times the first weight and the gain."""

    controls = (Control("gain", start=2.0, low=0.0),)
    carries_state = True

    def __init__(self, space, channels, reduction=False, reduction_before=False, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    cell_type = "recurrent"

    def call(self, inputs, weights, gain=1.0, state=None):
        (vectors,) = inputs
        sums = tf.cumsum(vectors, axis=1)
        if state is not None:
            sums += state[:, None]
        return weights[0, 0] * gain * sums, sums[:, -1]

    def compute_output_shape(self, inputs_shape, *_):
        return inputs_shape[0]

    def initial_state(self, batch_size):
        return tf.zeros([batch_size, self.channels])


class Words(macros.Macro):
    """An embedding, a cell, and the embedding's matrix as decoder."""

    name = "words"

    def signature(self, shape):
        return tf.TensorSpec((None, *shape), tf.int32)

    def make_stem(self, channels, num_classes):
        return keras.layers.Embedding(num_classes, channels)

    def parts(self, channels, cells):
        return [macros.CellPlan(channels)] * cells

    def make_head(self, num_classes, stem):
        return Decoder(stem)


class Decoder(keras.layers.Layer):
    """Logits by the matrix of an embedding."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    def call(self, inputs):
        matrix = tf.convert_to_tensor(self.embedding.embeddings)
        flat = tf.reshape(inputs, [-1, matrix.shape[1]])
        logits = tf.matmul(flat, matrix, transpose_b=True)
        return tf.reshape(logits, [-1, inputs.shape[1], matrix.shape[0]])

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.embedding.input_dim)


@dataclasses.dataclass(frozen=True)
class Summed(Softmax):
    """A softmax for cells that sum."""

    cell = "summing"


@pytest.fixture(scope="module")
def space():
    kinds.register("recurrent", "summing", kinds.CellKind((Summing,), Summing.controls))
    yield dataclasses.replace(spaces.DARTS_RNN, name="summed", macro=Words())
    del kinds._KINDS["recurrent", "summing"]


def test_it_takes_integers_and_carries_a_state(space):
    keras.utils.set_random_seed(0)
    supernet = Supernet(space, *ARGUMENTS, relaxation=Summed())
    assert supernet.signature == tf.TensorSpec((None, 4), tf.int32)
    words = np.random.default_rng(0).integers(0, 5, (2, 4)).astype("int32")
    logits, state = supernet(words)
    assert logits.shape == (2, 4, 5) and supernet.carries_state
    share = supernet.operation_weights()["recurrent"].numpy()[0, 0]
    matrix = supernet.stem.embeddings.numpy()
    sums = np.cumsum(matrix[words], axis=1)
    np.testing.assert_allclose(logits, share * sums @ matrix.T, rtol=1e-5)
    np.testing.assert_allclose(state[0], sums[:, -1], rtol=1e-5)
    # In two halves, with the state, as in one.
    first, state = supernet(words[:, :2], state=supernet.initial_state(2))
    second, _ = supernet(words[:, 2:], state=state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), logits, rtol=1e-5, atol=1e-7)
    # The decoder's: 4 words of 3 channels, 5 logits.
    assert counted.multiply_adds(supernet) == 4 * 3 * 5


def test_a_control_of_ones_own(space):
    keras.utils.set_random_seed(0)
    plain = Supernet(space, *ARGUMENTS, relaxation=Summed())
    assert "gain" not in plain.architecture.controls and "controls" not in plain.get_config()
    supernet = Supernet(space, *ARGUMENTS, relaxation=Summed(), controls=["gain"])
    assert supernet.get_config()["controls"] == ["gain"]
    words = tf.constant([[0, 1, 2, 3]])
    twice, _ = supernet(words)
    supernet.architecture.set_control("gain", 1.0)
    once, _ = supernet(words)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)
    with pytest.raises(UserError, match="'gain' is to be -1; expected a number from 0 to inf"):
        supernet.architecture.set_control("gain", -1.0)
    with pytest.raises(UserError, match="summing cells, which have no loss; .* are: gain"):
        Supernet(space, *ARGUMENTS, relaxation=Summed(), controls=["loss"])
