"""Hypergradients: options and limits. Their values are claims; see `darts_tf.verification`."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.constant_weights import constant_weights, weights_are_constant
from darts_tf.common.errors import UserError
from darts_tf.gradients import BilevelProblem, InnerStep
from darts_tf.gradients.problem import gradients_of
from darts_tf.verification.problems import (
    NO_BATCHES,
    at,
    hypergradient,
    quadratic,
    tanh,
    with_outer_loss,
)

AT = at([1.0, -1.0], [0.5, 0.25])


def constant(values):
    return tf.constant(values, tf.float64)


@pytest.mark.parametrize(
    ("wrt", "constants"),
    [
        (["architecture"], True),
        (["weights"], False),
        (["weights", "architecture"], False),
        (["auxiliary"], False),
    ],
)
def test_a_loss_learns_whether_its_weights_are_constants(wrt, constants):
    seen = []

    def loss(point, batch):
        seen.append(weights_are_constant())
        return tf.add_n([tf.reduce_sum(values[0]) for values in point.values()])

    point = {name: [constant([2.0])] for name in ("architecture", "weights", "auxiliary")}

    with constant_weights(not constants):
        found = gradients_of(loss, point, None, wrt=wrt)
        assert weights_are_constant() is not constants
    assert seen == [constants] and not weights_are_constant()
    assert set(found.gradients) == set(wrt) and found.loss == 6.0 and found.carried is None


class TestFiniteDifference:
    def estimate(self, factor):
        problem = with_outer_loss(
            lambda w, a, b: factor * tf.reduce_sum(w[0]) + a[0][0] ** 2, InnerStep(0.1)
        )
        return gradients.finite_difference(problem, AT, NO_BATCHES)

    @pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
    def test_useless_direction_leaves_the_first_order_term(self, bad):
        got = self.estimate(bad)
        np.testing.assert_array_equal(got.architecture[0], [1.0, 0.0])
        assert not got.complete

    def test_complete(self):
        # xi B^T H (1, 1) = .1 * (2.5 + .75, -1.5).
        got = self.estimate(1.0)
        np.testing.assert_allclose(got.architecture[0], [1.325, -0.15], rtol=1e-9)
        assert got.complete


class TestUnrolledSteps:
    def numeric(self, step, steps, a):
        """L_val after `steps` steps of the reference's update, written out in numpy."""
        w, v = np.array([0.3, -0.7]), np.zeros(2)
        for _ in range(steps):
            g = (np.tanh(w) - a) * (1 - np.tanh(w) ** 2)
            v = step.momentum * v - step.learning_rate * (g + step.weight_decay * w)
            w = w + v
        return ((w - [0.2, 0.3]) ** 2).sum() / 2

    @pytest.mark.parametrize("momentum", [0.0, 0.9])
    @pytest.mark.parametrize("steps", [1, 2, 4])
    def test_equals_central_differences_through_all_steps(self, steps, momentum):
        step = InnerStep(0.1, momentum, [constant([0.0, 0.0])], weight_decay=0.01)
        a, h = np.array([0.4, 0.1]), 1e-5
        expected = [
            (self.numeric(step, steps, a + h * e) - self.numeric(step, steps, a - h * e)) / (2 * h)
            for e in np.eye(2)
        ]
        got = gradients.unrolled(tanh(step), at([0.3, -0.7], a), NO_BATCHES, steps=steps)
        np.testing.assert_allclose(got.architecture[0], expected, rtol=1e-8)


class TestImplicit:
    def test_one_iteration_of_conjugate_gradients_is_not_enough(self):
        got = hypergradient(
            "conjugate_gradient", quadratic(InnerStep(0.4)), [0.5, 0.0], [0.5, 0.25], iterations=1
        )
        assert np.abs(got - [0.15, 0.3]).max() > 0.01

    def test_no_positive_curvature_leaves_the_first_order_term(self):
        problem = BilevelProblem(
            lambda w, a, b: -tf.reduce_sum(w[0] ** 2) * (1 + a[0][0]) / 2,
            lambda w, a, b: w[0][0] + a[0][1] ** 2,
            step=InnerStep(0.1),
        )
        result = gradients.conjugate_gradient(problem, at([1.0, 2.0], [0.0, 3.0]), NO_BATCHES)
        np.testing.assert_array_equal(result.architecture[0], [0.0, 6.0])


class TestOneLevel:
    def test_both_gradients_of_the_mean_loss(self):
        result = gradients.one_level(quadratic(), AT, NO_BATCHES)
        # w - Ba = (.5, -1), H(w - Ba) = (.5, -.75), w - t = (.8, -1.3).
        np.testing.assert_allclose(result.weights[0], [0.65, -1.025], rtol=1e-12)
        np.testing.assert_allclose(result.architecture[0], [-0.0625, -0.375], rtol=1e-12)
        np.testing.assert_allclose(result.loss, (0.5 + 1.165) / 2, rtol=1e-12)

    def test_on_the_training_loss_alone(self):
        result = gradients.one_level_train(quadratic(), AT, NO_BATCHES)
        # H(w - Ba) = (.5, -.75), and the gradient in a is -B^T times that.
        np.testing.assert_allclose(result.weights[0], [0.5, -0.75], rtol=1e-12)
        np.testing.assert_allclose(result.architecture[0], [-0.125, -0.75], rtol=1e-12)
        np.testing.assert_allclose(result.loss, 0.5, rtol=1e-12)


class TestInnerStep:
    def test_equals_keras_sgd(self):
        import keras

        variable = keras.Variable([1.0, -2.0])
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        optimizer.build([variable])
        for gradient in ([0.3, 0.1], [-0.2, 0.5]):
            velocity = [tf.convert_to_tensor(v) for v in optimizer.momentums]
            step = InnerStep(0.1, 0.9, velocity, weight_decay=0.01)
            expected = step([tf.convert_to_tensor(variable)], [tf.constant(gradient)])[0]
            optimizer.apply([tf.constant(gradient) + 0.01 * variable], [variable])
            np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)

    def test_clips_before_decay(self):
        moved = InnerStep(1.0, weight_decay=0.5, clip_norm=1.0)(
            [constant([2.0])], [constant([8.0])]
        )
        np.testing.assert_allclose(moved[0], [2.0 - (1.0 + 1.0)])


def test_unknown_name():
    with pytest.raises(UserError, match="unknown hypergradient 'third'; expected one of one_level"):
        gradients.get("third")
