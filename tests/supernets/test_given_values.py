import numpy as np
import pytest
import tensorflow as tf

from darts_tf.supernets.given_values import given_values
from darts_tf.supernets.supernet import Supernet


@pytest.fixture(scope="module")
def supernet(one_edge_space):
    return Supernet(one_edge_space, (6, 6, 1), 2, channels=2, cells=3, batched=False)


def test_a_pass_with_them_is_that_of_a_supernet_that_has_them(supernet):
    draw = np.random.default_rng(0)
    images = draw.normal(size=(4, 6, 6, 1)).astype("float32")
    lists = supernet.weight_variables, supernet.architecture_variables
    weights, alphas = ([tf.constant(v.numpy() + 0.1) for v in variables] for variables in lists)
    before = [v.numpy() for v in supernet.variables]
    with given_values(supernet, weights, alphas):
        found = supernet(images, training=True)
    with given_values(supernet, architecture=alphas):
        others = supernet(images, training=True)
    for variable, value in zip(supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    for variables, values in zip(lists, (weights, alphas), strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    np.testing.assert_array_equal(found, supernet(images, training=True))
    assert np.abs(found - others).max() > 1e-4


def test_a_value_for_each_variable(supernet):
    with pytest.raises(ValueError, match="shorter"):
        given_values(supernet, weights=[])
