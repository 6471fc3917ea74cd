"""Chains of levels: closed forms, central differences, and what estimators refuse."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.errors import UserError
from darts_tf.gradients import BilevelProblem, InnerStep, Level, Problem
from darts_tf.verification import problems
from darts_tf.verification.problems import scalar_chain

CHAINED = ("unrolled", "finite_difference")
TWO_ONLY = ("one_level", "one_level_train", "neumann", "conjugate_gradient")


def point_of(values):
    return {name: [tf.constant(value, tf.float64)] for name, value in values.items()}


def no_batches(problem):
    return {level.name: None for level in problem.levels}


SCALARS = {"architecture": 3.0, "weights": 1.0, "auxiliary": 0.0}


class TestScalarChainOfThree:
    def test_two_steps_of_each_level(self):
        # W_2 = 3 - 2 * .9^2 = 1.38 and V_2 = W_2 (1 - .8^2), each with its factor 1 - (1 - x)^2.
        problem = scalar_chain()
        found = gradients.unrolled(problem, point_of(SCALARS), no_batches(problem), steps=2)
        expected = (1.38 * 0.36 - 2) * 0.19 * 0.36
        np.testing.assert_allclose(found.architecture[0], expected, rtol=1e-12)

    def test_first_order_has_no_direct_path(self):
        problem = scalar_chain(0.5)
        found = gradients.first_order(problem, point_of(SCALARS), no_batches(problem))
        assert found.architecture[0] == 0 and found.loss == 2.25

    def test_the_order_of_the_levels_is_that_of_their_steps(self):
        """With the auxiliary stepped first, its step sees W and not W', which leaves no path."""
        outer, weights, auxiliary = scalar_chain().levels
        problem = Problem((outer, auxiliary, weights))
        found = gradients.unrolled(problem, point_of(SCALARS), no_batches(problem))
        assert found.architecture[0] == 0
        np.testing.assert_allclose(found.loss, 1.8**2 / 2, rtol=1e-12)


@pytest.mark.parametrize("direct", [0.0, 0.7])
def test_both_sides_share_the_source_of_a_level(direct):
    """The auxiliary sees tanh(A W), and A itself or not; the difference is the same by a source."""
    seen = []

    def source(point, batch):
        seen.append(point["auxiliary"][0])
        return [tf.tanh(point["architecture"][0] * point["weights"][0])]

    def loss(point, batch, source=None):
        (found,) = make(point, batch) if source is None else source
        target = found + direct * point["architecture"][0]
        return tf.sin(point["auxiliary"][0] - target) ** 2 / 2

    make = source
    outer, weights, auxiliary = scalar_chain(0.5).levels
    step = InnerStep(0.7, weight_decay=0.1)
    values = {"architecture": 0.8, "weights": 0.5, "auxiliary": 0.2}
    found = {}
    for own in (source, None):
        seen.clear()
        problem = Problem((outer, weights, Level("auxiliary", loss, step, own)))
        at = point_of(values), no_batches(problem)
        found[own] = gradients.finite_difference(problem, *at).architecture[0]
        # For its gradient, and for the sides together or each.
        assert len(seen) == (2 if own else 3)
    exact = gradients.unrolled(problem, *at).architecture[0]
    np.testing.assert_allclose(found[source], found[None], rtol=1e-9)
    np.testing.assert_allclose(found[source], exact, rtol=1e-5)
    blind = Problem((outer, weights, Level("auxiliary", loss, InnerStep(0.0))))
    assert abs(gradients.unrolled(blind, *at).architecture[0] - exact) > 1e-2


def test_a_difference_without_direction_is_told():
    """The outermost loss does not depend on the auxiliary level, so its difference has none."""
    _, weights, auxiliary = scalar_chain().levels
    outer = Level("architecture", lambda point, batch: point["weights"][0] ** 2)
    problem = Problem((outer, weights, auxiliary))
    found = gradients.finite_difference(problem, point_of(SCALARS), no_batches(problem))
    assert not found.complete
    # 2 W' * .1: the weights' difference stays.
    np.testing.assert_allclose(found.architecture[0], 0.24, rtol=1e-9)


@pytest.mark.parametrize("name", TWO_ONLY)
def test_refused_for_three(name):
    problem = scalar_chain()
    with pytest.raises(UserError, match="2 inner levels; use unrolled or finite_difference"):
        gradients.get(name)(problem, point_of(SCALARS), no_batches(problem))


@pytest.mark.parametrize("name", [*CHAINED, "neumann", "conjugate_gradient"])
def test_a_missing_step_is_told(name):
    with pytest.raises(UserError, match="the step of the level 'weights', which has none"):
        gradients.get(name)(
            problems.quadratic(), problems.at([1, -1], [0.5, 0.25]), problems.NO_BATCHES
        )


@pytest.mark.parametrize("names", [(), ("weights", "weights")])
def test_levels_need_names_of_their_own(names):
    with pytest.raises(UserError, match="each with a name of its own"):
        Problem(tuple(Level(name, None) for name in names))


class TestCarried:
    """A loss of a stream: the mean of a running sum, and the sum's new state, which is carried."""

    BATCHES = {
        "architecture": (
            tf.constant([1.0, 2.0], tf.float64),
            tf.constant([10.0, 20.0], tf.float64),
        ),
        "weights": (tf.constant([3.0, 4.0], tf.float64), tf.constant([30.0, 40.0], tf.float64)),
    }

    def problem(self):
        def loss(weights, architecture, batch):
            inputs, state = batch
            new = state + weights[0] * inputs
            return tf.reduce_mean((new - architecture[0]) ** 2), {"state": new}

        return BilevelProblem(loss, loss, step=InnerStep(0.0))

    # At w = 2: (10 + 2, 20 + 4) of the validation batch; that of the training batch is no-one's.
    @pytest.mark.parametrize(
        "name", [n for n in gradients.names(sampled=False) if n != "one_level_train"]
    )
    def test_is_that_of_the_outer_loss(self, name):
        found = gradients.get(name)(self.problem(), problems.at(2.0, 1.0), self.BATCHES)
        np.testing.assert_array_equal(found.carried["state"], [12.0, 24.0])
        assert np.all(np.isfinite(found.architecture[0]))

    def test_none_where_the_outer_loss_is_not_computed(self):
        found = gradients.one_level_train(self.problem(), problems.at(2.0, 1.0), self.BATCHES)
        assert found.carried is None
        np.testing.assert_allclose(found.loss, ((36 - 1) ** 2 + (48 - 1) ** 2) / 2)


class TestClippedStep:
    """w' = w - rate * clip(g): what clipping does to a vector, by its definition."""

    def step(self, norm):
        gradients = [tf.constant([3.0, 0.0], tf.float64), tf.constant([4.0], tf.float64)]
        return InnerStep(1.0, clip_norm=norm), gradients

    def test_by_hand(self):
        # 2 / 5 of the part across the gradient (0.6, 0, 0.8), nothing of the part along it.
        step, gradients = self.step(2.0)
        vector = [tf.constant([1.0, 1.0], tf.float64), tf.constant([0.0], tf.float64)]
        first, second = step.through_clipping(gradients, vector)
        np.testing.assert_allclose(first, [0.4 * 0.64, 0.4], rtol=1e-12)
        np.testing.assert_allclose(second, [-0.4 * 0.48], rtol=1e-12)

    def test_it_is_what_the_step_is_differentiated_to(self):
        step, gradients = self.step(2.0)
        vector = [tf.constant([0.3, -1.0], tf.float64), tf.constant([0.7], tf.float64)]
        with tf.GradientTape() as tape:
            tape.watch(gradients)
            moved = step([tf.zeros_like(g) for g in gradients], gradients)
        expected = tape.gradient(moved, gradients, output_gradients=vector)
        for found, true in zip(step.through_clipping(gradients, vector), expected, strict=True):
            np.testing.assert_allclose(-found, true, rtol=1e-12)

    @pytest.mark.parametrize("norm", [None, 6.0])
    def test_a_gradient_that_is_short_enough(self, norm):
        step, gradients = self.step(norm)
        vector = [tf.constant([1.0, 1.0], tf.float64), tf.constant([2.0], tf.float64)]
        for found, true in zip(step.through_clipping(gradients, vector), vector, strict=True):
            np.testing.assert_array_equal(found, true)
