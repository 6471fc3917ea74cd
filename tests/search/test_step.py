"""A step of a search: whose variables it moves, by what, and in which order."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.runtime import optimizers
from darts_tf.supernets.problem import SupernetProblem
from tests.search.steps import CLIP_NORM, make_step, run_steps
from tests.supernets.tiny import (
    BATCHES,
    TRAIN,
    VALIDATION,
    assert_same,
    at,
    cross_entropy,
    flat,
    make,
    make_problem,
    point,
    restored,
    tensors,
    values,
)


@pytest.fixture(scope="module")
def problem(tiny_space):
    return make_problem(make(tiny_space))


@pytest.fixture
def supernet(problem):
    """The supernet of `problem`, put back as it was after the test."""
    with restored(problem.supernet) as supernet:
        yield supernet


def list_of(seeds):
    return {name: seed.numpy().tolist() for name, seed in seeds.items()}


class TestSearchStep:
    def test_arithmetic(self, problem, supernet):
        """Two steps against numpy: clipping, then L2, then momentum; Adam with L2."""
        weights, alphas = (
            [x.astype("float64") for x in values(variables)]
            for variables in (supernet.weight_variables, supernet.architecture_variables)
        )
        velocity = [np.zeros_like(w) for w in weights]
        first, second = ([np.zeros_like(a) for a in alphas] for _ in range(2))
        before = values(supernet.variables)
        results = run_steps(problem, steps=2)
        got = values(supernet.weight_variables), values(supernet.architecture_variables)
        statistics = values(problem.statistics)
        for variable, value in zip(supernet.variables, before, strict=True):
            variable.assign(value)

        for t, result in enumerate(results, start=1):
            loss, g, _ = self.derivatives(problem, weights, alphas, VALIDATION, "a")
            np.testing.assert_allclose(result["losses"]["architecture"], loss, rtol=1e-4)
            for k, a in enumerate(alphas):
                total = g[k] + 0.03 * a
                first[k] = 0.5 * first[k] + 0.5 * total
                second[k] = 0.999 * second[k] + 0.001 * total**2
                moments = first[k] / (1 - 0.5**t), second[k] / (1 - 0.999**t)
                alphas[k] = a - 0.01 * moments[0] / (np.sqrt(moments[1]) + 1e-8)
            loss, g, new_statistics = self.derivatives(problem, weights, alphas, TRAIN, "w")
            np.testing.assert_allclose(result["losses"]["weights"], loss, rtol=1e-4)
            norm = np.sqrt(sum(np.sum(x**2) for x in g))
            assert norm > CLIP_NORM
            for k, w in enumerate(weights):
                velocity[k] = 0.9 * velocity[k] - 0.1 * (g[k] * CLIP_NORM / norm + 0.02 * w)
                weights[k] = w + velocity[k]
            for variable, value in zip(problem.statistics, new_statistics, strict=True):
                variable.assign(value)
        for mine, its in zip(got[0], weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)
        for mine, its in zip(got[1], alphas, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)
        # The statistics are those of the two weight steps, and of nothing else.
        for mine, its in zip(statistics, values(problem.statistics), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)

    def derivatives(self, problem, weights, alphas, data, wrt):
        weights, alphas = (
            [tf.constant(x, tf.float32) for x in arrays] for arrays in (weights, alphas)
        )
        with tf.GradientTape() as tape:
            tape.watch([weights, alphas])
            forward = problem.forward(at(weights, alphas), data)
        g = tape.gradient(forward.loss, weights if wrt == "w" else alphas)
        return forward.loss, [x.numpy().astype("float64") for x in g], forward.statistics

    @pytest.mark.parametrize("name", ["first_order", "one_level"])
    def test_alphas_move_by_the_architecture_optimizer_only(self, name, problem, supernet):
        alphas = values(supernet.architecture_variables)
        weights = values(supernet.weight_variables)
        run_steps(problem, name, architecture_rate=0.0)
        assert_same(values(supernet.architecture_variables), alphas)
        assert not np.array_equal(supernet.weight_variables[0], weights[0])

    @pytest.mark.parametrize("name", ["first_order", "one_level"])
    def test_weights_move_by_the_weight_optimizer_only(self, name, problem, supernet):
        alphas = values(supernet.architecture_variables)
        weights = values(supernet.weight_variables)
        run_steps(problem, name, weight_rate=0.0)
        assert_same(values(supernet.weight_variables), weights)
        for alpha, before in zip(supernet.architecture_variables, alphas, strict=True):
            assert not np.array_equal(alpha, before)

    def test_one_level_moves_the_weights_by_both_batches(self, problem, supernet):
        before = values(supernet.weight_variables)
        alphas = values(supernet.architecture_variables)
        means = [
            (x + y) / 2
            for x, y in zip(
                *(
                    self.derivatives(problem, before, alphas, data, "w")[1]
                    for data in (TRAIN, VALIDATION)
                ),
                strict=True,
            )
        ]
        norm = np.sqrt(sum(np.sum(x**2) for x in means))
        (result,) = run_steps(problem, "one_level")
        for variable, w, g in zip(supernet.weight_variables, before, means, strict=True):
            expected = w - 0.1 * (g * min(1, CLIP_NORM / norm) + 0.02 * w)
            np.testing.assert_allclose(variable, expected, rtol=1e-3, atol=1e-5)
        both = [
            self.derivatives(problem, before, alphas, data, "w")[0] for data in (TRAIN, VALIDATION)
        ]
        np.testing.assert_allclose(result["losses"]["architecture"], np.mean(both), rtol=1e-3)

    def test_finite_tells_of_a_gradient_that_is_not(self, problem, supernet):
        (good,) = run_steps(problem)
        assert np.isfinite(good["finite"])
        images, labels = TRAIN
        not_finite = images * np.nan, labels
        for bad in ("weights", "architecture"):
            before = values(supernet.variables)
            step = make_step(
                problem, gradients.first_order, optimizers.SGD(0.1), optimizers.Adam(0.1)
            )
            assert not np.isfinite(step({**BATCHES, bad: not_finite})["finite"])
            for variable, value in zip(supernet.variables, before, strict=True):
                variable.assign(value)


@pytest.fixture(scope="module")
def random_problem(tiny_space):
    return make_problem(make(tiny_space, relaxation="gumbel_softmax", seed=3))


class TestRandomRelaxation:
    @pytest.fixture
    def problem(self, random_problem):
        return random_problem

    def loss(self, problem, levels, data=TRAIN):
        return levels.inner[0].loss(point(problem.supernet), data).numpy()

    def test_the_draw_changes_with_the_step_and_its_part(self, problem):
        optimizer = optimizers.SGD(0.1)
        step = make_step(problem, None, optimizer, optimizers.SGD(0.1))
        assert list_of(step._seeds()) == {"architecture": [3, 0], "weights": [3, 1]}
        optimizer.iterations.assign(7)
        assert list_of(step._seeds()) == {"architecture": [3, 14], "weights": [3, 15]}

    def test_the_weights_descend_the_loss_of_their_draw(self, problem, supernet):
        """With one-level training it is the draw of the architecture, else a fresh one."""
        for gradient, part in ((gradients.one_level_train, 0), (gradients.first_order, 1)):
            before = values(supernet.variables)
            step = make_step(
                problem, gradient, optimizers.SGD(0.1), optimizers.Adam(1e-9), clip_norm=1e9
            )
            expected = self.loss(problem, problem.levels(tf.constant([3, part])))
            np.testing.assert_allclose(step(BATCHES)["losses"]["weights"], expected, rtol=1e-5)
            for variable, value in zip(supernet.variables, before, strict=True):
                variable.assign(value)


class TestSearchStepOptions:
    def run(self, problem, gradient=gradients.first_order, frozen=False, **options):
        step = make_step(problem, gradient, optimizers.SGD(0.1), optimizers.SGD(1.0), **options)
        return step(BATCHES, frozen)

    @pytest.mark.parametrize("weights_first", [False, True])
    def test_order_of_the_two_steps(self, problem, supernet, weights_first):
        seen = []

        def gradient(problem, point, batches):
            seen.append([np.array(w) for w in point["weights"]])
            ones = [tf.ones_like(a) for a in point["architecture"]]
            return gradients.Hypergradient(ones, tf.zeros(()))

        before, alphas = values(supernet.weight_variables), values(supernet.architecture_variables)
        order = ("weights", "architecture") if weights_first else None
        result = self.run(problem, gradient, order=order)
        after = values(supernet.weight_variables)
        assert_same(seen[0], after if weights_first else before)
        for alpha, old in zip(supernet.architecture_variables, alphas, strict=True):
            np.testing.assert_allclose(alpha, old - 1, rtol=1e-6)
        # The weights were stepped with the alphas that they found.
        shift = 0 if weights_first else 1
        loss = problem.loss(
            at([tf.constant(w) for w in before], [tf.constant(a - shift) for a in alphas]), TRAIN
        )
        np.testing.assert_allclose(result["losses"]["weights"], loss, rtol=1e-5)

    def test_frozen_alphas(self, problem, supernet):
        alphas = values(supernet.architecture_variables)
        expected = problem.loss(point(supernet), TRAIN)
        weights = values(supernet.weight_variables)
        result = self.run(problem, frozen=True)
        assert_same(values(supernet.architecture_variables), alphas)
        np.testing.assert_allclose(result["losses"]["weights"], expected, rtol=1e-5)
        assert result["losses"]["architecture"] == 0 and np.isfinite(result["finite"])
        assert not np.array_equal(supernet.weight_variables[0], weights[0])

    def test_architecture_clip_norm(self, problem, supernet):
        before = values(supernet.architecture_variables)
        self.run(problem)
        free = flat(values(supernet.architecture_variables)) - flat(before)
        for variable, value in zip(supernet.architecture_variables, before, strict=True):
            variable.assign(value)
        self.run(problem, architecture_clip_norm=np.linalg.norm(free) / 4)
        # The weights have moved in between, and the alphas' gradient with them.
        clipped = flat(values(supernet.architecture_variables)) - flat(before)
        np.testing.assert_allclose(np.linalg.norm(clipped), np.linalg.norm(free) / 4, rtol=1e-4)

    def test_the_penalty_reaches_the_alphas_and_not_the_reported_loss(self, tiny_space):
        problem = make_problem(make(tiny_space, relaxation="sigmoid"))
        supernet = problem.supernet
        here = point(supernet)
        penalty = supernet.architecture.penalty().numpy()
        assert penalty < -0.01
        forward = problem.forward(here, TRAIN)
        np.testing.assert_allclose(problem.loss(here, TRAIN), forward.loss + penalty, rtol=1e-5)
        result = self.run(problem)
        # The weights are stepped after the alphas, whose penalty is no part of what is reported.
        stepped = tensors(supernet.architecture_variables)
        after = problem.forward(at(here["weights"], stepped), TRAIN).loss
        np.testing.assert_allclose(result["losses"]["weights"], after, rtol=1e-5)
        assert abs(after - forward.loss) > 1e-6
        validation = problem.forward(here, VALIDATION).loss
        np.testing.assert_allclose(
            result["losses"]["architecture"], validation + penalty, rtol=1e-4
        )
        shared = SupernetProblem(supernet, cross_entropy, replicas=2)
        np.testing.assert_allclose(shared.forward(here, TRAIN).penalty, penalty / 2, rtol=1e-6)
