import numpy as np
import pytest

from darts_tf import operations
from tests.operations import definitions


def images(size, sign=None):
    values = np.random.default_rng(3).normal(size=(2, *size, 3)).astype("float32")
    return values if sign is None else sign * np.abs(values) - 1.0


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (6, 5), (2, 1)])
@pytest.mark.parametrize("strides", [1, 2])
class TestPooling:
    def test_max(self, strides, size):
        x = images(size)
        for training in (False, True):
            got = operations.create("max_pool_3x3", 3, strides=strides)(x, training=training)
            np.testing.assert_array_equal(got, definitions.max_pool(x, strides))

    def test_padding_never_wins_a_maximum(self, strides, size):
        x = images(size, sign=-1)
        assert x.max() < 0
        got = operations.create("max_pool_3x3", 3, strides=strides)(x)
        assert got.numpy().max() < 0
        np.testing.assert_array_equal(got, definitions.max_pool(x, strides))

    def test_mean_does_not_count_padding(self, strides, size):
        x = images(size)
        got = operations.create("avg_pool_3x3", 3, strides=strides)(x)
        np.testing.assert_allclose(got, definitions.mean_pool(x, strides), rtol=1e-5, atol=1e-6)
        constant = operations.create("avg_pool_3x3", 3, strides=strides)(np.full_like(x, 7.0))
        np.testing.assert_allclose(constant, 7.0, rtol=1e-6)

    @pytest.mark.parametrize("name", ["max_pool_3x3", "avg_pool_3x3"])
    def test_output_shape(self, name, strides, size):
        x = images(size)
        layer = operations.create(name, 3, strides=strides)
        assert layer(x).shape == layer.compute_output_shape(x.shape)
        assert layer.variables == []


def test_written_out_by_hand():
    x = np.array([[1, -2, 3, -4], [5, 6, -7, 8], [-9, 1, 2, -3], [4, -5, 6, 7]], "float32")
    x = x[None, :, :, None]
    largest = operations.create("max_pool_3x3", 1, strides=2)(x)
    np.testing.assert_array_equal(largest[0, :, :, 0], [[6, 8], [6, 8]])
    mean = operations.create("avg_pool_3x3", 1, strides=2)(x)
    # Windows around (0, 0), (0, 2), (2, 0) and (2, 2): 4, 6, 6 and 9 pixels of the image.
    by_hand = [[10 / 4, (-2 + 3 - 4 + 6 - 7 + 8) / 6], [(5 + 6 - 9 + 1 + 4 - 5) / 6, 15 / 9]]
    np.testing.assert_allclose(mean[0, :, :, 0], by_hand, rtol=1e-6)


def test_half_precision_has_a_lowest_number_too():
    layer = operations.create("max_pool_3x3", 1, strides=2)
    layer.dtype_policy = "bfloat16"
    outputs = layer(np.full((1, 3, 3, 1), -5.0, "float32"))
    assert outputs.dtype == "bfloat16"
    np.testing.assert_array_equal(np.asarray(outputs, "float32"), -5.0)
