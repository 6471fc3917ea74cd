"""Second derivatives through a relaxed recurrent cell, against differences in float64."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.gradients import BilevelProblem, InnerStep
from darts_tf.gradients.unrolled import unrolled
from darts_tf.spaces import DARTS_RNN

SMALL = dataclasses.replace(DARTS_RNN, name="small_rnn", nodes=2, edges=None)
BATCH, TIME, UNITS = 4, 3, 3
RATE = 0.3


class TinyModel:
    """Sequences through a relaxed cell with dropout, and the mean square to their targets."""

    def __init__(self, unroll):
        rng = np.random.default_rng(0)
        self.layer = RecurrentLayer(
            RecurrentMixedCell(SMALL, UNITS, dtype="float64"),
            dropout=0.2,
            recurrent_dropout=0.2,
            seed=1,
            return_sequences=True,
            unroll=unroll,
            dtype="float64",
        )
        self.layer.build((BATCH, TIME, UNITS))
        self.weights = [
            tf.constant(0.5 * rng.normal(size=variable.shape))
            for variable in self.layer.trainable_variables
        ]
        self.alphas = [tf.constant(rng.normal(size=(3, 5)))]
        self.train, self.validation = (
            [tf.constant(rng.normal(size=(BATCH, TIME, UNITS))) for _ in range(2)] for _ in range(2)
        )

    def loss(self, weights, alphas, batch):
        inputs, targets = batch
        pairs = zip(self.layer.trainable_variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=list(pairs)):
            outputs = self.layer(inputs, training=True, mixture=tf.nn.softmax(alphas[0]))
        return tf.reduce_mean(tf.square(outputs - targets))

    def problem(self):
        step = InnerStep(RATE, momentum=0.9, weight_decay=0.01, clip_norm=0.25)
        return BilevelProblem(self.loss, self.loss, step=step)

    def after_a_step(self, alphas):
        """The validation loss at w'(alphas)."""
        with tf.GradientTape() as tape:
            tape.watch(self.weights)
            loss = self.loss(self.weights, alphas, self.train)
        step = self.problem().inner[0].step
        moved = step(self.weights, tape.gradient(loss, self.weights))
        return self.loss(moved, alphas, self.validation)


@pytest.mark.parametrize("unroll", [False, True], ids=["loop", "unrolled"])
def test_the_unrolled_hypergradient_is_that_of_differences(unroll):
    model = TinyModel(unroll)

    @tf.function
    def exact():
        point = {"architecture": model.alphas, "weights": model.weights}
        batches = {"architecture": model.validation, "weights": model.train}
        return unrolled(model.problem(), point, batches).architecture[0]

    after = tf.function(lambda alphas: model.after_a_step([alphas]))
    found, step = exact(), 1e-4
    differences = np.zeros((3, 5))
    for place in np.ndindex(3, 5):
        moved = np.zeros((3, 5))
        moved[place] = step
        up, down = after(model.alphas[0] + moved), after(model.alphas[0] - moved)
        differences[place] = (up - down) / (2 * step)
    with tf.GradientTape() as tape:
        tape.watch(model.alphas)
        loss = model.loss(model.weights, model.alphas, model.validation)
    (first_order,) = tape.gradient(loss, model.alphas)
    # The second order is a large part of it.
    assert np.abs(found - first_order).max() > 1e-2 * np.abs(found).max()
    np.testing.assert_allclose(found, differences, rtol=1e-6, atol=1e-6 * np.abs(found).max())
