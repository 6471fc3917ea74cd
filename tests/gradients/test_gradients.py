"""Hypergradients against closed forms: the numbers are derived by hand, not by this code."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.errors import UserError
from darts_tf.gradients import BilevelProblem, InnerStep

TARGET = tf.constant([0.2, 0.3], tf.float64)


def constant(values):
    return tf.constant(values, tf.float64)


def quadratic() -> BilevelProblem:
    """L_train = 1/2 (w - Ba)^T H (w - Ba), L_val = 1/2 |w - t|^2.

    One plain step gives w' = w - xi H (w - Ba), hence dL_val(w')/da = xi B^T H (w' - t).
    """
    h, b = constant([[2, 0.5], [0.5, 1]]), constant([[1, 0], [0.5, -1]])

    def train_loss(weights, architecture, batch):
        distance = weights[0] - tf.linalg.matvec(b, architecture[0])
        return tf.reduce_sum(distance * tf.linalg.matvec(h, distance)) / 2

    def validation_loss(weights, architecture, batch):
        return tf.reduce_sum((weights[0] - TARGET) ** 2) / 2

    return BilevelProblem(train_loss, validation_loss)


def tanh_problem() -> BilevelProblem:
    """L_train = 1/2 |tanh(w) - a|^2: the mixed derivative depends on w."""
    return BilevelProblem(
        lambda w, a, batch: tf.reduce_sum((tf.tanh(w[0]) - a[0]) ** 2) / 2,
        quadratic().validation_loss,
    )


def estimate(name, problem, weights, architecture, step):
    result = gradients.get(name)(
        problem, [constant(weights)], [constant(architecture)], None, None, step
    )
    return result.architecture[0].numpy()


@pytest.mark.parametrize("name", ["unrolled", "finite_difference"])
class TestQuadratic:
    weights, architecture = [1.0, -1.0], [0.5, 0.25]

    def test_plain_step(self, name):
        got = estimate(name, quadratic(), self.weights, self.architecture, InnerStep(0.1))
        np.testing.assert_allclose(got, [0.04625, 0.085], rtol=1e-9)

    def test_step_with_momentum_and_decay(self, name):
        # The reference's velocity (0.1, -0.2) times -xi is Keras' velocity.
        step = InnerStep(0.1, 0.9, [constant([-0.01, 0.02])], weight_decay=3e-4)
        got = estimate(name, quadratic(), self.weights, self.architecture, step)
        np.testing.assert_allclose(got, [0.04602125, 0.0836485], rtol=1e-9)

    def test_no_inner_step_is_first_order(self, name):
        problem = BilevelProblem(quadratic().train_loss, lambda w, a, b: w[0][0] * a[0][1] ** 2)
        args = (problem, self.weights, self.architecture, InnerStep(0.0))
        np.testing.assert_array_equal(estimate(name, *args), estimate("first_order", *args))
        np.testing.assert_array_equal(estimate(name, *args), [0.0, 0.5])

    def test_scalar(self, name):
        problem = BilevelProblem(
            lambda w, a, b: (w[0] - a[0]) ** 2 / 2, lambda w, a, b: (w[0] - 2) ** 2 / 2
        )
        np.testing.assert_allclose(
            estimate(name, problem, 1.0, 3.0, InnerStep(0.1)), -0.08, rtol=1e-9
        )


class TestFiniteDifference:
    exact = [0.0100616, -0.0606361]

    @pytest.mark.parametrize("radius, error", [(1e-1, 3.1e-4), (1e-2, 3.2e-6), (1e-3, 3.2e-8)])
    def test_error_falls_with_the_square_of_the_radius(self, radius, error):
        weights, architecture = [0.3, -0.7], [0.4, 0.1]
        exact = estimate("unrolled", tanh_problem(), weights, architecture, InnerStep(0.1))
        got = gradients.finite_difference(
            tanh_problem(),
            [constant(weights)],
            [constant(architecture)],
            None,
            None,
            InnerStep(0.1),
            radius=radius,
        ).architecture[0]
        measured = np.linalg.norm(got - exact) / np.linalg.norm(exact)
        np.testing.assert_allclose(measured, error, rtol=0.05)

    def test_exact_value(self):
        got = estimate("unrolled", tanh_problem(), [0.3, -0.7], [0.4, 0.1], InnerStep(0.1))
        np.testing.assert_allclose(got, self.exact, atol=5e-8)

    def test_sign_and_scale_of_the_second_order_term_alone(self):
        # With L_val free of a the whole hypergradient is the second-order term.
        got = estimate("finite_difference", tanh_problem(), [0.3, -0.7], [0.4, 0.1], InnerStep(0.1))
        assert np.sign(got).tolist() == [1, -1]
        np.testing.assert_allclose(np.abs(got), np.abs(self.exact), rtol=1e-5)

    @pytest.mark.parametrize("bad", [0.0, np.nan])
    def test_useless_direction_leaves_the_first_order_term(self, bad):
        problem = BilevelProblem(
            quadratic().train_loss, lambda w, a, b: bad * tf.reduce_sum(w[0]) + a[0][0] ** 2
        )
        got = estimate("finite_difference", problem, [1.0, -1.0], [0.5, 0.25], InnerStep(0.1))
        np.testing.assert_array_equal(got, [1.0, 0.0])


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
        got = gradients.unrolled(
            tanh_problem(), [constant([0.3, -0.7])], [constant(a)], None, None, step, steps=steps
        )
        np.testing.assert_allclose(got.architecture[0], expected, rtol=1e-8)


class TestImplicit:
    """For the quadratic w*(a) = Ba, so dL_val(w*(a))/da = B^T (Ba - t)."""

    architecture = [0.5, 0.25]
    weights = [0.5, 0.0]  # Ba
    expected = [0.3 - 0.15, 0.3]  # B^T (.3, -.3)

    def estimate(self, estimator, **options):
        result = estimator(
            quadratic(),
            [constant(self.weights)],
            [constant(self.architecture)],
            None,
            None,
            InnerStep(0.4),
            **options,
        )
        return result.architecture[0].numpy()

    def test_conjugate_gradient_is_exact_after_two_iterations(self):
        got = self.estimate(gradients.conjugate_gradient, iterations=2)
        np.testing.assert_allclose(got, self.expected, rtol=1e-12)
        once = self.estimate(gradients.conjugate_gradient, iterations=1)
        assert np.abs(once - self.expected).max() > 0.01

    def test_neumann_series_converges_at_the_rate_of_its_largest_factor(self):
        # The eigenvalues of H are 1.5 +- sqrt(.5); the larger |1 - .4 lambda| is .6828.
        errors = [
            np.linalg.norm(self.estimate(gradients.neumann, terms=k) - self.expected)
            for k in (20, 21, 100)
        ]
        np.testing.assert_allclose(errors[1] / errors[0], 1 - 0.4 * (1.5 - 0.5**0.5), rtol=1e-4)
        assert errors[2] < 1e-15 / 2 + 1e-14

    def test_one_neumann_term_is_the_unrolled_term_at_the_same_weights(self):
        # B^T H xi (w - t), w - t = (.3, -.3): H(w - t) = (.45, -.15).
        got = self.estimate(gradients.neumann, terms=1)
        np.testing.assert_allclose(got, [0.4 * (0.45 - 0.075), 0.4 * 0.15], rtol=1e-12)

    def test_weight_decay_is_part_of_the_hessian(self):
        # H + I: g = B^T H (H + I)^-1 (w - t), with det(H + I) = 5.75.
        problem, step = quadratic(), InnerStep(0.1, weight_decay=1.0)
        got = gradients.conjugate_gradient(
            problem, [constant(self.weights)], [constant(self.architecture)], None, None, step
        ).architecture[0]
        u = np.linalg.solve([[3, 0.5], [0.5, 2]], [0.3, -0.3])
        expected = np.array([[1, 0.5], [0, -1]]) @ np.array([[2, 0.5], [0.5, 1]]) @ u
        np.testing.assert_allclose(got, expected, rtol=1e-12)

    def test_no_positive_curvature_leaves_the_first_order_term(self):
        problem = BilevelProblem(
            lambda w, a, b: -tf.reduce_sum(w[0] ** 2) * (1 + a[0][0]) / 2,
            lambda w, a, b: w[0][0] + a[0][1] ** 2,
        )
        result = gradients.conjugate_gradient(
            problem, [constant([1.0, 2.0])], [constant([0.0, 3.0])], None, None, InnerStep(0.1)
        )
        np.testing.assert_array_equal(result.architecture[0], [0.0, 6.0])


class TestOneLevel:
    def test_both_gradients_of_the_mean_loss(self):
        result = gradients.one_level(
            quadratic(), [constant([1.0, -1.0])], [constant([0.5, 0.25])], None, None, InnerStep(1)
        )
        # w - Ba = (.5, -1), H(w - Ba) = (.5, -.75), w - t = (.8, -1.3).
        np.testing.assert_allclose(result.weights[0], [0.65, -1.025], rtol=1e-12)
        np.testing.assert_allclose(result.architecture[0], [-0.0625, -0.375], rtol=1e-12)
        np.testing.assert_allclose(result.loss, (0.5 + 1.165) / 2, rtol=1e-12)

    def test_on_the_training_loss_alone(self):
        result = gradients.one_level_train(
            quadratic(), [constant([1.0, -1.0])], [constant([0.5, 0.25])], None, None, InnerStep(1)
        )
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
