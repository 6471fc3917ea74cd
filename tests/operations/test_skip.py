import numpy as np
import pytest

from darts_tf import operations


def images(size=(5, 6), channels=4):
    return np.random.default_rng(0).normal(size=(2, *size, channels)).astype("float32")


@pytest.mark.parametrize("strides, size", [(1, (5, 6)), (2, (3, 3))])
def test_none_gives_zeros(strides, size):
    x = images()
    x[0, 0, 0, 0] = np.inf
    got = operations.create("none", 4, strides=strides)(x)
    np.testing.assert_array_equal(got, np.zeros((2, *size, 4)))


def test_skip_is_the_identity():
    x = images()
    layer = operations.create("skip_connect", 4)
    assert isinstance(layer, operations.Identity)
    np.testing.assert_array_equal(layer(x), x)


def test_strided_skip_is_factorized_reduce():
    layer = operations.create("skip_connect", 4, strides=2, affine=False)
    assert isinstance(layer, operations.FactorizedReduce)
    assert layer.affine is False
    assert layer(images()).shape == (2, 3, 3, 4)
