import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import relaxations
from darts_tf.cells import kinds
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.relaxed_cell import RelaxedRecurrentCell
from darts_tf.common import draws, seeds
from darts_tf.common.errors import UserError
from darts_tf.spaces import DARTS_RNN

SMALL = dataclasses.replace(DARTS_RNN, name="small_rnn", nodes=2, edges=None)
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(3, 4, 5)).astype("float32")
ROWS = np.full((3, 5), 0.2, "float32")


def make(**options):
    keras.utils.set_random_seed(0)
    cell = RelaxedRecurrentCell(SMALL, 6, **options)
    cell.build([(None, None, 5)])
    for variable in cell.trainable_variables:
        variable.assign(10 * variable)
    return cell


def test_it_is_the_layer_with_masks_of_the_seed():
    cell, seed = make(dropout=0.5, recurrent_dropout=0.25), tf.constant([1, 2])
    state = RANDOM.normal(size=(3, 6)).astype("float32")
    outputs, last = cell([INPUTS], ROWS, state=state, seed=seed, training=True)
    masks = [
        draws.kept([3, width], rate, seeds.of_part(seed, number))
        for number, (width, rate) in enumerate([(5, 0.5), (6, 0.25)])
    ]
    layer = RecurrentLayer(cell.recurrent.cell, return_sequences=True, return_state=True)
    expected = layer(INPUTS, initial_state=state, training=True, mixture=ROWS, masks=masks)
    np.testing.assert_array_equal(outputs, expected[0])
    np.testing.assert_array_equal(last, expected[1])
    without, _ = cell([INPUTS], ROWS, state=state, training=True)
    assert np.abs(without - outputs).max() > 1e-3


def test_the_initial_state_is_zero():
    cell = make()
    np.testing.assert_array_equal(cell.initial_state(3), np.zeros((3, 6)))
    outputs, _ = cell([INPUTS], ROWS)
    np.testing.assert_array_equal(outputs, cell([INPUTS], ROWS, state=cell.initial_state(3))[0])


@pytest.mark.parametrize("relaxation", ["softmax", "node_softmax", "hard_gumbel", "categorical"])
def test_it_computes_mixed_and_sampled_weights(relaxation):
    kind = kinds.get(DARTS_RNN, relaxations.get(relaxation).cell)
    assert kind.choose(DARTS_RNN, "recurrent", (None,)) is RelaxedRecurrentCell


def test_partial_channels_are_refused():
    with pytest.raises(UserError, match="needs partial cells, .* recurrent cells of .*darts_rnn"):
        kinds.get(DARTS_RNN, relaxations.get("partial_channels").cell)
