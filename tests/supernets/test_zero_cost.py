import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.supernets.zero_cost import (
    UntrainedSupernet,
    condition_number,
    count_regions,
    crops,
    he_normal,
)


class TestConditionNumber:
    def test_of_a_linear_model(self):
        """The gradient of w . x in w is x, so the kernel is X X^T."""
        x = np.array([[2.0, 0, 0, 0], [0, 0, 3.0, 0], [0, 1.0, 0, 0]])
        assert condition_number(x) == pytest.approx(9)
        x = np.array([[1.0, 0], [1.0, 1.0]])  # X X^T = [[1, 1], [1, 2]]
        assert condition_number(x) == pytest.approx((3 + 5**0.5) / (3 - 5**0.5))

    def test_at_its_limits(self):
        assert condition_number(np.ones((3, 5))) == pytest.approx(1e12)
        assert condition_number(np.zeros((3, 5))) == condition_number([[1, np.nan]]) == 1e5


class TestCountRegions:
    def test_lines_in_general_position(self):
        """n lines cut the plane into 1 + n + n (n - 1) / 2 regions."""
        axis = np.linspace(-4, 4, 81) + 0.01
        points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        normals = np.array([[1, 0], [0, 1], [1, 1], [1, -2]])
        offsets = np.array([0, 0, 1, 1.5])
        patterns = points @ normals.T - offsets > 0
        for lines, regions in ((1, 2), (2, 4), (3, 7), (4, 11)):
            assert count_regions(patterns[:, :lines]) == regions

    def test_is_the_sum_of_the_authors_code(self):
        """Every input counts as 1 / the number of inputs with its pattern."""
        patterns = np.random.default_rng(0).random((50, 4)) > 0.5
        alike = (patterns[:, None] == patterns).all(axis=-1).sum(axis=1)
        assert count_regions(patterns) == pytest.approx((1 / alike).sum())


def test_crops_are_pieces_of_a_channel():
    images = np.arange(2 * 5 * 4 * 3).reshape(2, 5, 4, 3)
    pieces = crops(images, 200, np.random.default_rng(0))
    assert pieces.shape == (200, 3, 3, 1)
    # From one pixel to the next there are the 3 channels, to the next row 4 pixels.
    steps = 12 * np.arange(3)[:, None] + 3 * np.arange(3)
    np.testing.assert_array_equal(pieces[..., 0], pieces[:, :1, :1, 0] + steps)
    assert len(np.unique(pieces[:, 0, 0, 0])) == 2 * 3 * 2 * 3
    assert crops(images[:, :, 0], 1, np.random.default_rng(0)).shape == (1, 3, 1)


@pytest.mark.parametrize(
    "mode, of_convolution, of_depthwise", [("fan_in", 9 * 20, 9), ("fan_out", 9 * 30, 9 * 20)]
)
def test_he_normal(mode, of_convolution, of_depthwise):
    layers = [keras.layers.Conv2D(30, 3), keras.layers.DepthwiseConv2D(3, bias_initializer="ones")]
    inputs = keras.Input((5, 5, 20))
    model = keras.Model(inputs, [layer(inputs) for layer in layers])
    he_normal(model, mode, seed=3)
    for layer, fan in zip(layers, (of_convolution, of_depthwise), strict=True):
        assert np.std(layer.kernel) == pytest.approx(np.sqrt(2 / fan), rel=0.15)
    np.testing.assert_array_equal(layers[1].bias, 1)
    before = layers[0].kernel.numpy()
    he_normal(model, mode, seed=3)
    np.testing.assert_array_equal(layers[0].kernel, before)


@pytest.fixture(scope="module", autouse=True)
def eagerly(eager_file):
    """To trace the networks takes longer than to run them a few times."""


IMAGES = np.random.default_rng(0).normal(size=(4, 6, 6, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def networks(tiny_space):
    networks = UntrainedSupernet(tiny_space, 3, IMAGES, kernel_images=3, inputs=(2, 20))
    networks.draw(0)
    return networks


@pytest.fixture(scope="module")
def rows():
    """Equal weights of skip connection and convolution."""
    return {t: np.tile(np.float32([0, 0.5, 0.5]), (2, 1)) for t in ("normal", "reduce")}


class TestUntrainedSupernet:
    def test_the_kernel_is_of_the_gradients_of_single_images(self, networks, rows):
        network = networks._network
        weights = [v.value for v in network.weight_variables if v.name != "bias"]
        assert len(weights) == len(network.weight_variables) - 1
        gradients = []
        for i in range(3):
            with tf.GradientTape() as tape, keras.StatelessScope():
                output = tf.reduce_sum(network(IMAGES[:3], training=True, weights=rows)[i])
            slopes = tape.gradient(output, weights)
            gradients.append(np.concatenate([np.ravel(slope) for slope in slopes]))
        assert networks.condition(rows) == pytest.approx(
            np.linalg.cond(np.array(gradients, np.float64)) ** 2, rel=1e-3
        )

    def test_patterns(self, networks, rows):
        pieces = networks._pieces[0]
        patterns = networks._active(rows, pieces).numpy()
        # What comes first is the preprocessing of the first cell, which sees the stem.
        stem = networks._thin.stem(pieces, training=True).numpy().reshape(20, -1)
        np.testing.assert_array_equal(patterns[:, : stem.shape[1]], stem > 0)
        assert len(networks._pieces) == 2
        both = np.concatenate([networks._active(rows, x).numpy() for x in networks._pieces])
        assert networks.regions(rows) == count_regions(both) > 1

    def test_operations_without_weight_have_no_relus(self, networks, rows):
        pieces = networks._pieces[0]
        whole = networks._active(rows, pieces).numpy()
        skips = {t: np.tile(np.float32([0, 1, 0]), (2, 1)) for t in rows}
        without = networks._active(skips, pieces).numpy()
        gone = ~without.any(axis=0) & whole.any(axis=0)
        # 3 cells, 2 edges, 2 ReLUs of a separable convolution, most of their outputs.
        assert whole.shape == without.shape and gone.sum() > 3 * 2 * 2
        networks._thin.cells[0].edges[0].candidates[2].parts[1].kernel.assign_add(
            np.ones((3, 3, 2, 1))
        )
        np.testing.assert_array_equal(networks._active(skips, pieces), without)
        assert not np.array_equal(networks._active(rows, pieces), whole)

    def test_weights_are_drawn_anew(self, networks, rows):
        found = []
        for seed in (1, 2, 1):
            networks.draw(seed)
            found.append((networks.condition(rows), networks.regions(rows)))
        assert found[0] == found[2] and found[0] != found[1]


def test_it_computes_in_float32_whatever_the_policy_is(one_edge_space):
    images = np.zeros((2, 6, 6, 1), "float32")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        networks = UntrainedSupernet(one_edge_space, 3, images, kernel_images=2, inputs=(1, 2))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    for network in (networks._network, networks._thin):
        assert {layer.compute_dtype for layer in network._flatten_layers()} == {"float32"}
