"""A search step of three levels: the auxiliary learns from the weights' step, in plain numbers."""

import contextlib
import types

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import Level, Problem, gradients_of
from darts_tf.runtime import optimizers
from darts_tf.runtime.train_function import TrainFunction
from darts_tf.search.player import Player
from darts_tf.search.step import SearchStep
from darts_tf.tasks import Task

RATES = {"architecture": 1.0, "weights": 0.1, "auxiliary": 0.2}
START = {"architecture": 3.0, "weights": 1.0, "auxiliary": 0.0}
NAMES = tuple(START)


class Chain:
    """1/2 (W - A)^2, 1/2 (V - W)^2 and 1/2 (V - x)^2, where x is what the outermost batch says.

    The levels other than the weights carry ten times what their batch says.
    """

    def levels(self, seed=None):
        return Problem(tuple(Level(name, getattr(self, name)) for name in NAMES))

    def architecture(self, point, batch):
        return (point["auxiliary"][0] - batch[0]) ** 2 / 2, 10 * batch[0]

    def weights(self, point, batch):
        return (point["weights"][0] - point["architecture"][0]) ** 2 / 2

    def auxiliary(self, point, batch):
        return (point["auxiliary"][0] - point["weights"][0]) ** 2 / 2, 10 * batch[0]

    def reduce(self, tensors):
        return tensors

    def seed_of(self, level, steps):
        return None

    def entropies(self):
        return tf.zeros([1])


class Passes:
    """The passes of one level of the chain."""

    def __init__(self, name, seen):
        self._name, self._seen, self.statistics = name, seen, []

    def __call__(self, point, batch, seed, differentiate=True):
        self._seen.append((self._name, {name: v[0] for name, v in point.items()}))
        found = gradients_of(getattr(Chain(), self._name), point, batch, wrt=[self._name])
        forward = types.SimpleNamespace(
            loss=found.loss, outputs=None, statistics=[], carried=found.carried
        )
        return forward, found.gradients[self._name]

    def untouched(self, seed, optimizer):
        return contextlib.nullcontext()


def make(gradient="unrolled", clip_norm=None, **options):
    """The step, its variables by level, and what the passes of the inner levels have seen."""
    variables = {name: tf.Variable(value, name=name) for name, value in START.items()}
    seen, players = [], []
    for name, variable in variables.items():
        passes = None if name == "architecture" else Passes(name, seen)
        stream = "validation" if name == "architecture" else "train"
        optimizer = optimizers.SGD(RATES[name])
        optimizer.build([variable])
        clipped = clip_norm if name == "auxiliary" else None
        players.append(Player(name, [variable], optimizer, stream, clipped, passes=passes))
    return SearchStep(Chain(), players, gradients.get(gradient), **options), variables, seen


TRAIN, VALIDATION = (tf.constant(5.0), tf.constant(0.0)), (tf.constant(2.0), tf.constant(0.0))
BATCHES = {"architecture": VALIDATION, "weights": TRAIN, "auxiliary": TRAIN}


@pytest.mark.parametrize("gradient", ["unrolled", "finite_difference"])
def test_each_level_is_stepped_where_those_before_it_have_arrived(gradient):
    step, variables, seen = make(gradient)
    result = step(BATCHES)
    # By the closed form -.0352; then W by its own gradient at the new A, and V at the new W.
    a = 3.0 + 0.0352
    w = 1.0 - 0.1 * (1.0 - a)
    v = 0.0 - 0.2 * (0.0 - w)
    for name, expected in zip(NAMES, (a, w, v), strict=True):
        np.testing.assert_allclose(variables[name], expected, rtol=1e-3)
    assert [name for name, _ in seen] == ["weights", "auxiliary"]
    np.testing.assert_allclose(seen[1][1]["weights"], w, rtol=1e-3)
    losses = {"architecture": 1.76**2 / 2, "weights": (1 - a) ** 2 / 2, "auxiliary": w**2 / 2}
    assert set(result["losses"]) == set(losses)
    for name, expected in losses.items():
        np.testing.assert_allclose(result["losses"][name], expected, rtol=1e-3)
    carried = {name: float(state) for name, state in result["carried"].items()}
    assert carried == {"architecture": 20.0, "auxiliary": 50.0}
    assert np.isfinite(result["finite"]) and result["complete"] == 1


def test_inner_levels_first():
    step, variables, _ = make("first_order", order=("weights", "auxiliary", "architecture"))
    step(BATCHES)
    # W = 1.2 and V = .24; the outermost loss depends on A through them only.
    found = [float(variables[name]) for name in NAMES]
    np.testing.assert_allclose(found, [3.0, 1.2, 0.24], rtol=1e-6)


def test_any_order():
    """The auxiliary learns from the weights of before, and the architecture sees where it got."""
    step, variables, _ = make("first_order", order=("auxiliary", "architecture", "weights"))
    result = step(BATCHES)
    found = [float(variables[name]) for name in NAMES]
    np.testing.assert_allclose(found, [3.0, 1.2, 0.2], rtol=1e-6)
    np.testing.assert_allclose(result["losses"]["architecture"], 1.8**2 / 2, rtol=1e-6)


@pytest.mark.parametrize("order", [("architecture", "weights"), (*NAMES, "weights")])
def test_each_level_is_stepped_once(order):
    with pytest.raises(UserError, match="each of its levels once: architecture, weights, aux"):
        make(order=order)


def test_each_level_has_its_own_clipping():
    step, variables, _ = make(clip_norm=0.5)
    step(BATCHES, frozen=True)
    # The gradient in V is -1.2, in W -2.
    found = [float(variables[name]) for name in NAMES]
    np.testing.assert_allclose(found, [3.0, 1.2, 0.2 * 0.5], rtol=1e-6)


class Unmeasured(Task):
    """The least that a task is."""

    def losses(self, targets, outputs):
        return targets


def test_each_level_has_a_metric_of_its_loss():
    step, _, _ = make("first_order")
    streams = {player.name: player.stream for player in step.players}
    train = TrainFunction(step, tf.distribute.get_strategy(), streams, task=Unmeasured())
    for _ in range(2):
        train(TRAIN, VALIDATION, False)
    # A stays, W goes from 1 to 1.2, and V from 0 to .24; losses are of before each step.
    expected = {
        "loss": (2.0**2 + 1.8**2) / 4,
        "architecture_loss": (2.0**2 + 1.76**2) / 4,
        "auxiliary_loss": (1.2**2 + (1.38 - 0.24) ** 2) / 4,
    }
    found = train.logs(frozen=False)
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6)
    assert list(train.logs(frozen=True)) == ["loss", "auxiliary_loss"]
    assert len(train.variables) == 6
