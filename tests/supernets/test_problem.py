"""A supernet as a problem: what a pass computes, writes and draws."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.constant_weights import architecture_is_constant, weights_are_constant
from darts_tf.common.errors import UserError
from darts_tf.gradients import InnerStep
from darts_tf.gradients.problem import gradients_of
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.verification.supernets import dtype_policy
from tests.supernets.tiny import (
    TRAIN,
    VALIDATION,
    assert_same,
    at,
    cross_entropy,
    estimate,
    make,
    make_problem,
    point,
    restored,
    tensors,
    values,
)

# A pass takes less time than tracing it; searches in tests/search trace theirs.
pytestmark = pytest.mark.usefixtures("eager_file")


@pytest.fixture(scope="module")
def problem(small_space):
    return make_problem(make(small_space))


@pytest.fixture
def supernet(problem):
    """The supernet of `problem`, put back as it was after the test."""
    with restored(problem.supernet) as supernet:
        yield supernet


class TestSupernetProblem:
    def test_statistics_are_all_but_weights_and_alphas(self, problem):
        supernet = problem.supernet
        parts = [supernet.weight_variables, supernet.architecture_variables, problem.statistics]
        assert sum(len(part) for part in parts) == len(supernet.variables)
        assert len({id(v) for part in parts for v in part}) == len(supernet.variables)

    def test_forward_is_the_supernet_in_training(self, problem, supernet):
        forward = problem.forward(point(supernet), TRAIN)
        logits = supernet(TRAIN[0], training=True)
        np.testing.assert_allclose(forward.outputs, logits, rtol=1e-4, atol=1e-5)
        probabilities = tf.nn.softmax(logits).numpy()[np.arange(8), TRAIN[1].numpy()]
        np.testing.assert_allclose(forward.loss, -np.log(probabilities).mean(), rtol=1e-4)
        # What the ordinary call has written is what the functional one returned.
        for got, variable in zip(forward.statistics, problem.statistics, strict=True):
            np.testing.assert_allclose(got, variable, rtol=1e-4, atol=1e-5)

    def test_weights_and_alphas_are_arguments(self, problem, supernet):
        weights = [2 * w for w in tensors(supernet.weight_variables)]
        alphas = [-a for a in tensors(supernet.architecture_variables)]
        got = problem.forward(at(weights, alphas), TRAIN).outputs
        for variables, given in (
            (supernet.weight_variables, weights),
            (supernet.architecture_variables, alphas),
        ):
            for variable, value in zip(variables, given, strict=True):
                variable.assign(value)
        np.testing.assert_allclose(got, supernet(TRAIN[0], training=True), rtol=1e-3, atol=1e-4)

    def test_a_pass_says_which_gradients_nobody_wants(self, supernet, monkeypatch):
        seen = []

        def call(images, **options):
            seen.append((weights_are_constant(), architecture_is_constant()))
            return tf.zeros([len(images), 3])

        monkeypatch.setattr(supernet, "call", call)
        problem, here = SupernetProblem(supernet, cross_entropy, traced=False), point(supernet)
        for wrt in (["architecture"], ["weights"], ["weights", "architecture"]):
            gradients_of(problem.loss, here, TRAIN, wrt=wrt)
        problem.forward_and_gradients(here, TRAIN)
        problem.forward(here, TRAIN)
        # Only what trains the weights is differentiated once for sure.
        assert seen == [(True, False), (False, False), (False, False), (False, True), (False,) * 2]

    def test_masked_examples_count_nowhere(self, problem, supernet):
        here, counted = point(supernet), tf.constant([1.0, 0, 2, 1, 0, 1, 1, 2])
        whole, masked = (problem.forward(here, b) for b in (TRAIN, (*TRAIN, counted)))
        np.testing.assert_array_equal(masked.outputs, whole.outputs)
        losses = cross_entropy(TRAIN[1], whole.outputs).numpy()
        np.testing.assert_allclose(masked.loss, np.average(losses, weights=counted), rtol=1e-6)
        in_parts = SupernetProblem(supernet, cross_entropy, micro_batches=2, traced=False)
        with pytest.raises(UserError, match="weights cannot be computed in parts"):
            in_parts.forward_and_gradients(here, (*TRAIN, counted))

    def test_loss_of_a_replica_is_its_share(self, problem, supernet):
        shared = SupernetProblem(supernet, cross_entropy, replicas=2)  # Never traced by itself.
        args = point(supernet), TRAIN
        np.testing.assert_allclose(
            2 * shared.forward(*args).loss, problem.forward(*args).loss, rtol=1e-5
        )


@pytest.mark.parametrize("name", ["one_level", "first_order", "unrolled", "finite_difference"])
def test_an_architecture_step_writes_nothing(name, problem):
    supernet = problem.supernet
    before = values(supernet.variables)
    estimated = estimate(name, problem, TRAIN, VALIDATION, InnerStep(0.1, weight_decay=3e-4))
    assert_same(values(supernet.variables), before)
    assert all(np.abs(g).max() > 0 for g in estimated.architecture)


@pytest.fixture(scope="module")
def random_problem(tiny_space):
    return make_problem(make(tiny_space, relaxation="gumbel_softmax", seed=3))


class TestRandomRelaxation:
    @pytest.fixture
    def problem(self, random_problem):
        return random_problem

    def loss(self, problem, levels, data=TRAIN):
        return levels.inner[0].loss(point(problem.supernet), data).numpy()

    def test_all_passes_of_a_hypergradient_see_one_draw(self, problem):
        one, other = (problem.levels(tf.constant([3, part])) for part in (4, 5))
        assert self.loss(problem, one) == self.loss(problem, one)
        assert abs(self.loss(problem, one) - self.loss(problem, other)) > 1e-5

    def test_a_penalty_is_that_of_the_draw(self, problem):
        """As SNAS has it: the cost of the sampled weights, whose gradient reaches the alphas."""
        supernet, seed = problem.supernet, tf.constant([3, 4])
        costs = {
            name: np.arange(w.shape[0] * w.shape[1]).reshape(w.shape)
            for name, w in supernet.operation_weights().items()
        }

        def penalty(weights):
            return tf.add_n([tf.reduce_sum(weights[name] * costs[name]) for name in costs])

        costly = SupernetProblem(supernet, cross_entropy, penalty=penalty, traced=False)
        here = point(supernet)
        alphas = here["architecture"]
        expected = penalty(supernet.architecture.drawn_weights(seed))
        assert abs(expected - penalty(supernet.architecture.drawn_weights())) > 0.01
        gradients = []
        for one in (problem, costly):
            with tf.GradientTape() as tape:
                tape.watch(alphas)
                loss = one.loss(here, TRAIN, seed)
            gradients.append((loss, tape.gradient(loss, alphas)))
        (plain, by_plain), (with_cost, by_both) = gradients
        np.testing.assert_allclose(with_cost - plain, expected, rtol=1e-4)
        with tf.GradientTape() as tape:
            tape.watch([v.value for v in supernet.architecture_variables])
            cost = penalty(supernet.architecture.drawn_weights(seed))
        by_cost = tape.gradient(cost, [v.value for v in supernet.architecture_variables])
        for both, alone, more in zip(by_both, by_plain, by_cost, strict=True):
            np.testing.assert_allclose(both - alone, more, atol=1e-4)

    def test_cell_types_have_draws_of_their_own(self, problem):
        alphas = problem.supernet.architecture.parameters
        alphas["reduce"]["alpha"].assign(alphas["normal"]["alpha"])
        weights = problem.supernet.architecture.cell_weights(tf.constant([3, 0]))
        assert np.abs(weights["normal"] - weights["reduce"]).max() > 0.05


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_the_loss_is_in_float32_or_better(dtype, small_space):
    """And is differentiated with alphas of float32, whose relaxation adds to it."""
    with dtype_policy(dtype):
        supernet = make(small_space)
    problem = SupernetProblem(supernet, tasks.get(None))
    images, labels = TRAIN
    with tf.GradientTape() as tape:
        values = point(supernet)
        tape.watch(values["architecture"])
        loss = problem.loss(values, (tf.cast(images, supernet.compute_dtype), labels))
    assert loss.dtype == ("float64" if dtype == "float64" else "float32")
    for gradient in tape.gradient(loss, values["architecture"]):
        assert gradient.dtype == "float32" and np.abs(gradient).max() > 1e-6
