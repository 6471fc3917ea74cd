"""A supernet that is a weighted sum, so that loss, objective and slopes have closed forms."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.tasks import Metric, Task

ROWS = {"normal": np.array([[0.5, 2.0]])}


class Sum(keras.Model):
    """Outputs r0 * x + r1 * state, the state being the sum of the inputs before."""

    def __init__(self, stateful=False):
        super().__init__()
        self.stateful = stateful
        self.architecture = types.SimpleNamespace(
            auxiliary_skip=None, cell_weights=lambda: {"normal": tf.zeros((1, 2))}
        )
        self.weight_variables = self.architecture_variables = ()

    def call(self, inputs, state=None, weights=None):
        row = weights["normal"][0]
        if not self.stateful:
            return row[0] * inputs
        return row[0] * inputs + row[1] * state[:, None], state + tf.reduce_sum(inputs, 1)


class Squares(Task):
    """Squared errors of sequences, ranked by the mean absolute error."""

    def losses(self, targets, outputs):
        return (outputs - targets) ** 2

    def metrics(self):
        return (Metric.mean("error", lambda x, y: abs(x - y), larger_is_better=False),)


class Streams(Squares):
    """The same with a state."""

    def initial_state(self, model, batch_size):
        return tf.zeros(batch_size)


def batches(*examples, masks=()):
    """Batches of one sequence each, whose targets are 0."""
    parts = [(np.array([x], "float32"), np.zeros((1, len(x)), "float32")) for x in examples]
    return [(*p, np.array([m])) for p, m in zip(parts, masks, strict=True)] if masks else parts


def test_means_over_steps_of_all_batches(eagerly):
    evaluation = SupernetEvaluation(Sum(), batches([2, 4], [6, 0]), task=Squares())
    assert evaluation.loss(ROWS) == (1 + 4 + 9 + 0) / 4
    assert evaluation.objective(ROWS) == (1 + 2 + 3) / 4
    assert evaluation.score(ROWS) == -1.5
    assert evaluation.objective(ROWS, batches([2, 2])) == 1.0
    np.testing.assert_allclose(evaluation.gradients(ROWS)["normal"], [[56 * 0.5 * 2 / 4, 0]])
    assert (evaluation.forward, evaluation.backward) == (7, 2)


def test_what_is_masked_does_not_count(eagerly):
    data = batches([2, 4], [6, 9], masks=([1, 1], [1, 0]))
    evaluation = SupernetEvaluation(Sum(), data, task=Squares())
    assert evaluation.loss(ROWS) == pytest.approx((1 + 4 + 9) / 3)
    assert evaluation.objective(ROWS) == pytest.approx((1 + 2 + 3) / 3)
    np.testing.assert_allclose(evaluation.gradients(ROWS)["normal"], [[56 / 3, 0]], rtol=1e-6)


def test_a_state_goes_from_batch_to_batch_and_starts_anew(eagerly):
    evaluation = SupernetEvaluation(Sum(stateful=True), batches([2, 4], [0, 2]), task=Streams())
    # The second batch adds 2 * 6.
    for _ in range(2):
        assert evaluation.loss(ROWS) == (1 + 4 + 144 + 169) / 4
    slopes = evaluation.gradients(ROWS)["normal"]
    np.testing.assert_allclose(slopes, [[(1 * 2 + 2 * 4 + 13 * 2) / 2, (12 + 13) * 6 / 2]])


def test_the_objective_may_be_the_loss(eagerly):
    task = type("Ranked", (Squares,), {"metrics": lambda self: ()})()
    evaluation = SupernetEvaluation(Sum(), batches([2, 4]), task=task)
    assert evaluation.objective(ROWS) == 2.5 and evaluation.score(ROWS) == -2.5


def test_no_batch():
    evaluation = SupernetEvaluation(Sum(), [], task=Squares())
    for measure in (evaluation.loss, evaluation.score, evaluation.gradients):
        with pytest.raises(UserError, match="hold no whole batch"):
            measure(ROWS)
