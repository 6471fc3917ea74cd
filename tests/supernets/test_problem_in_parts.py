"""A supernet's problem whose batches are computed in parts."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.cells.batched_convolutions import BatchedNormalization
from darts_tf.gradients import InnerStep
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.supernets.problem import SupernetProblem
from tests.search.steps import run_steps
from tests.supernets.tiny import (
    TRAIN,
    VALIDATION,
    assert_same,
    cross_entropy,
    estimate,
    flat,
    make,
    point,
    values,
)

# A pass takes less time than tracing it; searches in tests/search trace theirs.
pytestmark = pytest.mark.usefixtures("eager_file")


class TestAccumulation:
    @pytest.fixture
    def pair(self, monkeypatch, tiny_space):
        """Two equal problems without batch normalisation; the second in four parts."""
        monkeypatch.setattr(BatchNormalization, "_can_fuse", lambda self, inputs: False)
        monkeypatch.setattr(
            BatchNormalization, "call", lambda self, inputs, training=None, mask=None: inputs
        )
        # What gradients compute again.
        monkeypatch.setattr(BatchedNormalization, "again", lambda self, inputs: inputs)
        problems = []
        for parts in (1, 4):
            supernet = make(tiny_space)
            problems.append(
                SupernetProblem(supernet, cross_entropy, micro_batches=parts, traced=False)
            )
        assert_same(*(values(problem.supernet.weight_variables) for problem in problems))
        return problems

    def test_both_gradients_are_those_of_the_large_batch(self, pair):
        hypergradients, weights, logits = [], [], []
        for problem in pair:
            arguments = point(problem.supernet), TRAIN
            found = estimate("first_order", problem, TRAIN, VALIDATION, InnerStep(0.1))
            hypergradients.append(flat(found.architecture))
            forward, gradients_of_weights = problem.forward_and_gradients(*arguments)
            weights.append(flat(gradients_of_weights))
            logits.append(flat([forward.outputs]))
        for whole, parts in (hypergradients, weights, logits):
            scale = np.abs(whole).max()
            assert scale > 0
            np.testing.assert_allclose(parts / scale, whole / scale, atol=1e-5)

    def test_a_step(self, pair):
        results = []
        for problem in pair:
            (result,) = run_steps(problem)
            results.append((result, values(problem.supernet.weight_variables)))
        (whole, its_weights), (parts, weights) = results
        np.testing.assert_allclose(parts["finite"], whole["finite"], rtol=1e-4)
        for name, loss in whole["losses"].items():
            np.testing.assert_allclose(parts["losses"][name], loss, rtol=1e-4)
        for mine, its in zip(weights, its_weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


def test_moving_statistics_of_parts_are_their_mean(tiny_space):
    problem = SupernetProblem(make(tiny_space), cross_entropy, micro_batches=2, traced=False)
    here = point(problem.supernet)
    forward, _ = problem.forward_and_gradients(here, TRAIN, differentiate=False)
    halves = [
        problem.forward(here, tuple(x[part] for x in TRAIN)).statistics
        for part in (slice(0, 4), slice(4, 8))
    ]
    for got, first, second in zip(forward.statistics, *halves, strict=True):
        np.testing.assert_allclose(got, (first + second) / 2, rtol=1e-4, atol=1e-5)


class TestRandomNumbersOfParts:
    """A batch of two equal halves, computed in two parts: random numbers tell them apart."""

    BATCH = tuple(tf.concat([x[:4], x[:4]], 0) for x in TRAIN)
    SEED = tf.constant([1, 2])

    def halves(self, supernet):
        """The logits of both halves, which must not depend on how often they are computed."""
        problem = SupernetProblem(supernet, cross_entropy, micro_batches=2, traced=False)
        here = point(supernet)
        forward, again = (
            problem.forward_and_gradients(here, self.BATCH, self.SEED, differentiate=False)[0]
            for _ in range(2)
        )
        assert_same([forward.outputs], [again.outputs])
        # The parts of the hypergradient have the same losses, so the same numbers.
        losses = [
            problem.levels(self.SEED).outer.loss.of_micro_batch(tf.constant(i))(
                here, tuple(x[:4] for x in TRAIN)
            )
            for i in range(2)
        ]
        np.testing.assert_allclose(np.mean(losses), forward.loss, rtol=1e-5)
        for variable, value in zip(problem.statistics, forward.statistics, strict=True):
            variable.assign(value)
        return np.split(forward.outputs.numpy(), 2)

    def test_dropout_and_the_draw_of_the_relaxation(self):
        """There is one draw of the architecture, and without dropout nothing else is random."""
        space = spaces.register(spaces.Space("skips", ("none", "skip_connect"), nodes=1)).name
        supernet = make(space, skip_dropout=True, relaxation="gumbel_softmax")
        assert_same(*self.halves(supernet))
        supernet.architecture.skip_dropout.assign(0.5)
        first, second = self.halves(supernet)
        assert np.abs(first - second).max() > 0.01

    def test_noise(self):
        space = spaces.register(spaces.Space("noisy", ("none", "noise"), nodes=1)).name
        supernet = make(space)
        first, second = self.halves(supernet)
        assert np.abs(first - second).max() > 0.01
        # Every generator counts as many draws as there are parts.
        states = [v for v in supernet.variables if tf.as_dtype(v.dtype).is_integer]
        assert states and {int(state[1]) for state in states} == {2}
