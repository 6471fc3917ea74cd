"""Estimators of an expectation over architectures, on a graph whose 27 architectures are known."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.draws import gumbel, uniform
from darts_tf.gradients import Ram, Rebar, Relax, ScoreFunction
from darts_tf.gradients.ram import _losses_of_all_categories
from darts_tf.gradients.relax import conditional
from darts_tf.gradients.score_function import score_gradients
from tests.gradients import dag

SAMPLES = 100_000
LOGITS = tf.constant(dag.LOGITS, tf.float32)


class TestEnumeration:
    """Means and variances without any sampling error, in float64."""

    def test_the_graph(self):
        chances, losses = dag.chances(), dag.losses(dag.ARCHITECTURES)
        assert chances.sum() == pytest.approx(1, rel=1e-12)
        assert chances @ losses == pytest.approx(dag.EXPECTED_LOSS, rel=1e-7)
        h, a = 1e-5, dag.LOGITS
        for e, k in np.ndindex(3, 3):
            step = h * np.eye(9)[3 * e + k].reshape(3, 3)
            p = [np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (a + step, a - step)]
            up, down = (np.prod((dag.ARCHITECTURES * q).sum(-1), -1) @ losses for q in p)
            assert (up - down) / (2 * h) == pytest.approx(dag.GRADIENT[e][k], abs=1e-6)

    @pytest.mark.parametrize(
        "baseline, variance",
        [(0.0, 0.68401), (dag.EXPECTED_LOSS, 0.36600), (0.40630, 0.36427)],
    )
    def test_score_function(self, baseline, variance):
        found = score_gradients(
            dag.ARCHITECTURES, dag.losses(dag.ARCHITECTURES) - baseline, dag.PROBABILITIES
        )
        mean, total = dag.moments(found, dag.chances())
        np.testing.assert_allclose(mean, dag.GRADIENT, atol=1e-6)
        assert total == pytest.approx(variance, abs=1e-5)

    def ram(self, draws, fresh=False):
        """RAM's gradients for given draws, and how many losses it asked for."""
        asked = []

        def loss(z):
            asked.append(z.shape[0])
            return dag.losses(z)

        draws = tf.constant(draws)
        if fresh:
            draws = tf.tile(draws[:, None], [1, 3, 1, 1])
        edges = tf.tile(tf.range(3)[None], [27, 1])
        losses = _losses_of_all_categories(loss, draws, edges).numpy()
        expected = (dag.PROBABILITIES * losses).sum(-1, keepdims=True)
        return dag.PROBABILITIES * (losses - expected), asked[0]

    @pytest.mark.parametrize("fresh, evaluations", [(False, 7), (True, 9)])
    def test_ram(self, fresh, evaluations):
        found, asked = self.ram(dag.ARCHITECTURES, fresh)
        assert asked == 27 * evaluations
        mean, total = dag.moments(found, dag.chances())
        np.testing.assert_allclose(mean, dag.GRADIENT, atol=1e-6)
        assert total == pytest.approx(0.11274, abs=1e-5)

    def test_ram_is_the_double_sum_of_the_slides(self):
        found, _ = self.ram(dag.ARCHITECTURES)
        p = dag.PROBABILITIES
        for z, gradient in zip(dag.ARCHITECTURES, found, strict=True):
            for e, k in np.ndindex(3, 3):
                changed = np.tile(z, [3, 1, 1])
                changed[:, e] = np.eye(3)
                losses = dag.losses(changed)
                # The sum over a and b of p_a p_b (l_a - l_b) dalpha^a/dalpha_k.
                double = (p[e, k] * p[e] * (losses[k] - losses)).sum()
                assert gradient[e, k] == pytest.approx(double, abs=1e-15)

    def test_at_equal_evaluations_the_score_function_is_the_better_one_here(self):
        """RAM's variance is the smallest by the sample, not by the evaluation of the loss."""
        ram, asked = self.ram(dag.ARCHITECTURES)
        per_sample = dag.moments(ram, dag.chances())[1]
        score = score_gradients(
            dag.ARCHITECTURES,
            dag.losses(dag.ARCHITECTURES) - dag.EXPECTED_LOSS,
            dag.PROBABILITIES,
        )
        at_equal_cost = dag.moments(score, dag.chances())[1] / (asked / 27)
        assert at_equal_cost == pytest.approx(0.0523, abs=1e-4)
        assert at_equal_cost < per_sample

    def test_ram_on_one_edge_is_exact(self):
        estimator = dag.built(Ram(samples=50), (1, 3))
        table = tf.constant([1.21, 0.01, 0.09])
        loss = gradients.CategoricalLoss(lambda z: tf.linalg.matvec(z[:, 0], table))
        found = estimator.sample(loss, LOGITS[:1], tf.constant([0, 0])).gradients.numpy()
        assert np.ptp(found, 0).max() < 1e-7
        np.testing.assert_allclose(found[0, 0], [0.275665, -0.143102, -0.132563], atol=1e-6)


ESTIMATORS = {
    "score function": lambda: ScoreFunction(None, samples=SAMPLES),
    "baseline": lambda: ScoreFunction(0.5, samples=SAMPLES),
    "RELAX": lambda: Relax(samples=SAMPLES, hidden=8),
    "REBAR": lambda: Rebar(samples=SAMPLES),
    "RAM": lambda: Ram(samples=SAMPLES),
    "RAM, fresh": lambda: Ram(fresh=True, samples=SAMPLES),
    "RAM, one edge": lambda: Ram(edges=1, samples=SAMPLES),
    "RAM, fresh, two edges": lambda: Ram(fresh=True, edges=2, samples=SAMPLES),
}


class TestMeans:
    @pytest.mark.parametrize("name", ESTIMATORS)
    def test_within_four_standard_errors(self, name):
        estimator = dag.built(ESTIMATORS[name]())
        mean, errors, variance = dag.sampled(estimator, SAMPLES)
        assert (np.abs(mean - dag.GRADIENT) < 4 * errors).all()
        variances = {"score function": 0.684, "RAM": 0.1127, "RAM, fresh": 0.1127, "REBAR": 0.288}
        if name in variances:
            assert variance == pytest.approx(variances[name], rel=0.03)

    def test_relax_with_a_random_control_variate(self):
        estimator = dag.built(Relax(samples=SAMPLES, hidden=8, learning_rate=0.0))
        rng = np.random.default_rng(5)
        for parameter in estimator._parameters[1:]:
            parameter.assign(5 * rng.normal(size=parameter.shape))
        mean, errors, variance = dag.sampled(estimator, SAMPLES)
        assert (np.abs(mean - dag.GRADIENT) < 4 * errors).all()
        # Bad control variates make it worse, not wrong.
        assert variance > 1.0

    def test_baseline_of_this_step_would_be_biased(self):
        """The reason for the order of update and use: the test above would notice another one."""
        draws = dag.ARCHITECTURES
        losses = dag.losses(draws)
        found = score_gradients(draws, losses - 0.5 * losses, dag.PROBABILITIES)
        mean, _ = dag.moments(found, dag.chances())
        assert np.abs(mean - dag.GRADIENT).max() > 0.01

    def test_several_samples_are_averaged(self):
        one, many = dag.built(ScoreFunction(None)), dag.built(ScoreFunction(None, samples=8))
        means = {}
        for estimator in (one, many):
            run = tf.function(lambda s, e=estimator: e.estimate(dag.LOSS, LOGITS, s).gradient)
            found = np.stack([run(tf.constant([1, s])) for s in range(1000)])
            means[estimator.samples] = found.var(0).sum()
        assert means[1] == pytest.approx(0.684, rel=0.15)
        assert means[8] == pytest.approx(0.684 / 8, rel=0.15)


def test_trained_relax_is_below_the_score_function():
    estimator = dag.built(Relax(samples=200, hidden=16, learning_rate=0.02))
    run = tf.function(lambda seed: estimator.estimate(dag.LOSS, LOGITS, seed).loss)
    for step in range(300):
        run(tf.constant([step, 1]))
    estimator.samples = SAMPLES
    mean, errors, variance = dag.sampled(estimator, SAMPLES)
    assert (np.abs(mean - dag.GRADIENT) < 4 * errors).all()
    # The best control variates that are known have 0.283; the best constant has 0.364.
    assert 0.27 < variance < 0.345


class TestConditional:
    def noise(self, count=200_000):
        log_p = tf.tile(tf.nn.log_softmax(LOGITS[1:2])[None], [count, 1, 1])
        z = log_p + gumbel(log_p.shape, [0, 1])
        draws = tf.one_hot(tf.argmax(z, -1), 3)
        return log_p, z, draws, uniform(log_p.shape, [0, 2])

    def test_the_drawn_entry_is_the_largest(self):
        log_p, _, draws, v = self.noise()
        given = conditional(log_p, draws, v).numpy()
        largest = (given * draws.numpy()).sum(-1)
        assert (largest >= given.max(-1)).all()

    def test_marginal_is_the_unconditional_one(self):
        log_p, z, draws, v = self.noise()
        given, z = conditional(log_p, draws, v).numpy(), z.numpy()
        np.testing.assert_allclose(given.mean(0), z.mean(0), atol=0.015)
        np.testing.assert_allclose(given.std(0), z.std(0), atol=0.015)

    def test_a_category_that_is_not_there(self):
        logits = tf.constant([[0.3, -1e9, 0.1]])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            given = conditional(
                tf.nn.log_softmax(logits), tf.constant([[0.0, 0.0, 1.0]]), uniform([1, 3], [0, 3])
            )
            out = tf.reduce_sum(tf.nn.softmax(given)[:, 0])
        assert tf.nn.softmax(given)[0, 1] == 0
        assert np.isfinite(tape.gradient(out, logits)).all()


class TestGumbelSoftmax:
    """The two propositions on the relaxation that these estimators do without."""

    def test_its_largest_entry_has_the_probabilities_at_any_temperature(self):
        z = LOGITS[None] + gumbel((SAMPLES, 3, 3), [4, 4])
        for temperature in (5.0, 1.0, 0.1):
            soft = tf.nn.softmax(z / temperature)
            found = tf.reduce_mean(tf.one_hot(tf.argmax(soft, -1), 3), 0)
            errors = np.sqrt(dag.PROBABILITIES * (1 - dag.PROBABILITIES) / SAMPLES)
            assert (np.abs(found - dag.PROBABILITIES) < 4 * errors).all()

    def test_its_limit_is_the_one_hot_draw(self):
        z = LOGITS[None] + gumbel((1000, 3, 3), [4, 5])
        drawn = tf.one_hot(tf.argmax(z, -1), 3)
        distances = [
            float(tf.reduce_mean(tf.abs(tf.nn.softmax(z / t) - drawn))) for t in (1.0, 0.1, 0.001)
        ]
        assert distances[0] > distances[1] > distances[2] and distances[2] < 1e-3

    @pytest.mark.parametrize(
        "temperature, bias, variance", [(5.0, 0.098, 1.4e-4), (1.0, 0.043, 0.029), (0.1, 0.0, 1.31)]
    )
    def test_its_gradient_trades_bias_for_variance(self, temperature, bias, variance):
        logits = tf.tile(LOGITS[None], [SAMPLES, 1, 1])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            soft = tf.nn.softmax((logits + gumbel(logits.shape, [4, 6])) / temperature)
            loss = dag.losses(soft)
        found = tape.gradient(loss, logits).numpy().astype("float64")
        assert np.abs(found.mean(0) - dag.GRADIENT).max() == pytest.approx(bias, abs=0.008)
        assert found.var(0).sum() == pytest.approx(variance, rel=0.1)
