"""The loss of a supernet is the mean over what counts, whatever the shape of the task's losses."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.supernets.problem import SupernetProblem
from tests import streams
from tests.streams import BATCH, TIME, Stream


@pytest.fixture
def supernet(one_stage_space):
    return streams.make(one_stage_space)


@pytest.fixture
def point(supernet):
    variables = {ARCHITECTURE: supernet.architecture_variables, WEIGHTS: supernet.weight_variables}
    return {name: [tf.convert_to_tensor(v) for v in group] for name, group in variables.items()}


def first(data):
    """The first batch with the state before it."""
    return *next(iter(data)), tf.zeros((BATCH, 2))


def forward(supernet, point, batch, **options):
    return SupernetProblem(supernet, Stream(), traced=False, **options).forward(point, batch)


def test_the_mean_of_all_steps(supernet, point, eagerly):
    batch = first(streams.sequences(0, 0))
    found = forward(supernet, point, batch)
    losses = ((found.outputs - batch[1]) ** 2).numpy().sum(-1)
    assert losses.shape == (BATCH, TIME)
    assert float(found.loss) == pytest.approx(losses.mean(), rel=1e-6)
    np.testing.assert_array_equal(found.carried, found.outputs[:, -1])
    share = forward(supernet, point, batch, replicas=2)
    assert float(share.loss) == pytest.approx(losses.mean() / 2, rel=1e-6)


def test_the_mean_of_what_is_not_masked(supernet, point, eagerly):
    batch = first(streams.masked(0, 0))
    found = forward(supernet, point, batch)
    losses = ((found.outputs - batch[1]) ** 2).numpy().sum(-1)
    assert 0 < batch[2].numpy().sum() < losses.size
    expected = losses[batch[2].numpy() == 1].mean()
    assert float(found.loss) == pytest.approx(expected, rel=1e-6)


def test_nothing_counts(supernet, point, eagerly):
    inputs, targets, _, state = first(streams.masked(0, 0))
    found = forward(supernet, point, (inputs, targets, tf.zeros((BATCH, TIME)), state))
    assert float(found.loss) == 0


def test_parts_count_differently(supernet, point, eagerly):
    problem = SupernetProblem(supernet, Stream(), micro_batches=2, traced=False)
    with pytest.raises(UserError, match="weights cannot be computed in parts"):
        problem.forward_and_gradients(point, first(streams.masked(0, 0)))
