import dataclasses
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import WEIGHTS
from darts_tf.runtime import optimizers
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.state import Pair, SearchState

RATE, MOMENTUM, L2 = 0.1, 0.9, 0.01


def state(variables, optimizer):
    """A state with nothing but variables and their optimizer."""
    optimizer.build(variables)
    supernet = types.SimpleNamespace(variables=variables)
    return SearchState(supernet, {WEIGHTS: optimizer}, types.SimpleNamespace(variables=[]), [])


def sgd():
    return optimizers.SGD(RATE, MOMENTUM, l2=L2)


def stepped(gradients):
    """The state of two variables after steps with these gradients."""
    variables = [keras.Variable([1.0, 2.0]), keras.Variable([[3.0]])]
    found = state(variables, sgd())
    for gradient in gradients:
        found.optimizers[WEIGHTS].apply([tf.constant(g) for g in gradient], variables)
    return found


GRADIENTS = [([0.5, -1.0], [[2.0]]), ([1.0, 1.0], [[0.0]])]


def test_the_slots_of_the_old_ones_carry_over_beside_an_added_variable():
    """m' = 0.9 m - 0.1 (g + 0.01 w), w' = w + m'; the momentum of the added one begins with 0."""
    old = stepped(GRADIENTS)
    weights = [v.numpy() for v in old.supernet.variables]
    momenta = [v.numpy() for v in old.optimizers[WEIGHTS].momentums]
    first, added, second = (keras.Variable(np.zeros(s)) for s in ((2,), (3,), (1, 1)))
    new = state([first, added, second], sgd())
    old.transfer(new, zip(old.supernet.variables, (first, second), strict=True))
    assert int(new.optimizers[WEIGHTS].iterations) == 2
    np.testing.assert_array_equal(added, np.zeros(3))
    gradients = [np.array([1.0, 2.0]), np.ones(3), np.array([[-1.0]])]
    new.optimizers[WEIGHTS].apply(
        [tf.constant(g, tf.float32) for g in gradients], [first, added, second]
    )
    for variable, weight, momentum, gradient in (
        (first, weights[0], momenta[0], gradients[0]),
        (second, weights[1], momenta[1], gradients[2]),
        (added, 0.0, 0.0, gradients[1]),
    ):
        expected = weight + MOMENTUM * momentum - RATE * (gradient + L2 * weight)
        np.testing.assert_allclose(variable, expected, rtol=1e-6)


def test_a_change_is_done_to_variables_and_slots_alike():
    old = stepped(GRADIENTS)
    variable = keras.Variable(np.zeros(4))
    new = state([variable], sgd())
    old.transfer(new, [Pair(old.supernet.variables[0], variable, lambda x: np.concatenate([x, x]))])
    for mine, its in (
        (old.supernet.variables[0], variable),
        (old.optimizers[WEIGHTS].momentums[0], new.optimizers[WEIGHTS].momentums[0]),
    ):
        np.testing.assert_array_equal(its, np.tile(mine, 2))


def test_adam_has_two_slots():
    variables = [keras.Variable([1.0, 2.0])]
    old, new = (state(v, optimizers.Adam(RATE)) for v in (variables, [keras.Variable([0.0, 0.0])]))
    old.optimizers[WEIGHTS].apply([tf.constant([1.0, 2.0])], variables)
    old.transfer(new, [(variables[0], new.supernet.variables[0])])
    for mine, its in zip(*(s.groups()["weight_optimizer"] for s in (old, new)), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_shapes_that_do_not_fit():
    old, variable = stepped(GRADIENTS), keras.Variable(np.zeros(4), name="wide")
    with pytest.raises(UserError, match=r"wide has the shape \(4,\) and cannot .* gives \(2,\)"):
        old.transfer(state([variable], sgd()), [(old.supernet.variables[0], variable)])


def test_the_next_step_of_a_search_along_the_identity_is_bit_identical(one_stage_space, eagerly):
    """Every variable, of a search with an estimator that learns, after one more step."""
    method = dataclasses.replace(methods.get("relax"), gradient_options={"hidden": 3})
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(12, 6, 6, 1)).astype("float32"), np.arange(12) % 2
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    searches = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        supernet = method.make_supernet(one_stage_space, (6, 6, 1), 2, channels=2, cells=1)
        searches.append(ArchitectureSearch(supernet, method))
        searches[-1].fit(data, data, verbose=0)
    old, new = (search.trainer.state for search in searches)
    old.transfer(new, zip(old.supernet.variables, new.supernet.variables, strict=True))
    batch = next(iter(data))
    for search in searches:
        search.trainer.train_function(batch, batch, False)
    groups, others = old.groups(), new.groups()
    assert groups.keys() == others.keys() and "gradient" in groups
    for name, variables in groups.items():
        for mine, its in zip(variables, others[name], strict=True):
            np.testing.assert_array_equal(mine, its, name)
