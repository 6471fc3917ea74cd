"""A loop over time is differentiated only in what somebody asks for."""

import contextlib
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.cells.recurrent.two_input_mixed_cell import TwoInputMixedCell
from darts_tf.common.constant_weights import constant_architecture, constant_weights
from darts_tf.spaces import DARTS_RNN
from darts_tf.spaces.two_input_rnn import chain

RANDOM = np.random.default_rng(0)
CELLS = {
    "recurrent": (
        RecurrentMixedCell,
        dataclasses.replace(DARTS_RNN, name="tiny_rnn", nodes=1, edges=None),
    ),
    "two inputs": (TwoInputMixedCell, chain(1)),
}


@pytest.mark.parametrize("kind", CELLS)
def test_what_nobody_asks_for_has_no_gradient_and_all_else_the_same(kind):
    make, space = CELLS[kind]
    cell = make(space, 3, dtype="float64")
    layer = RecurrentLayer(cell, return_sequences=True, dtype="float64")
    layer.build((None, None, 2))
    for variable in layer.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    mixture = tf.constant(RANDOM.random((len(space.edges), len(space.operations))))
    mask, x = tf.constant(RANDOM.random((4, 3))), tf.constant(RANDOM.normal(size=(4, 2, 2)))
    # Of these the loop's body has all of the gradient; x_t is multiplied by its part before.
    names = "kernel_1", "state_kernel"
    weights = [v.value for v in layer.trainable_variables if v.name.endswith(names)]
    assert weights

    @tf.function(autograph=False)
    def gradients(constant):
        scopes = {"weights": constant_weights, "mixture": constant_architecture}
        scope = scopes.get(constant, contextlib.nullcontext)
        with tf.GradientTape() as tape, scope():
            tape.watch((mixture, mask))
            loss = tf.reduce_sum(tf.sin(layer(x, mixture=mixture, masks=(None, mask))))
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(
            loss, {"weights": weights, "mixture": mixture, "mask": mask}, None, zero
        )

    whole = {name: tf.nest.flatten(values) for name, values in gradients(None).items()}
    assert all(np.any(value) for values in whole.values() for value in values)
    for constant, other in (("weights", "mixture"), ("mixture", "weights")):
        found = gradients(constant)
        assert not any(np.any(value) for value in tf.nest.flatten((found[constant], found["mask"])))
        for value, expected in zip(tf.nest.flatten(found[other]), whole[other], strict=True):
            np.testing.assert_array_equal(value, expected)
