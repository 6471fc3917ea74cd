import numpy as np
import pytest
import tensorflow as tf

from darts_tf import operations
from tests.operations import definitions

SIZES = [(6, 8), (7, 5), (6, 5)]


def make(name, size, channels=4, **kwargs):
    """A built layer with random weights, images, and its weights in the order of computation."""
    rng = np.random.default_rng(5)
    layer = operations.create(name, channels, **kwargs)
    layer.build((None, *size, channels))
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    images = rng.normal(size=(3, *size, channels)).astype("float32")
    return layer, images, [variable.numpy() for variable in layer.trainable_variables]


def assert_equal(layer, images, expected):
    got = layer(images, training=True)
    assert got.shape == layer.compute_output_shape(images.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_separable_convolution(kernel, strides, size):
    layer, images, weights = make(f"sep_conv_{kernel}x{kernel}", size, strides=strides)
    x = images
    for half, step in ((weights[:4], strides), (weights[4:], 1)):
        depthwise, pointwise, gamma, beta = half
        x = definitions.relu(x)
        x = definitions.depthwise(x, depthwise, step, padding=kernel // 2)
        x = definitions.convolution(x, pointwise)
        x = definitions.normalize(x, gamma, beta)
    assert_equal(layer, images, x)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel, padding", [(3, 2), (5, 4)])
def test_dilated_convolution(kernel, padding, strides, size):
    layer, images, weights = make(f"dil_conv_{kernel}x{kernel}", size, strides=strides)
    depthwise, pointwise, gamma, beta = weights
    x = definitions.relu(images)
    x = definitions.depthwise(x, depthwise, strides, padding, dilation=2)
    x = definitions.convolution(x, pointwise)
    assert_equal(layer, images, definitions.normalize(x, gamma, beta))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel", [3, 7])
def test_factorized_convolution(kernel, strides, size):
    layer, images, weights = make(f"conv_{kernel}x1_1x{kernel}", size, strides=strides)
    across, down, gamma, beta = weights
    assert across.shape[:2] == (1, kernel) and down.shape[:2] == (kernel, 1)
    x = definitions.relu(images)
    x = definitions.convolution(x, across, (1, strides), (0, kernel // 2))
    x = definitions.convolution(x, down, (strides, 1), (kernel // 2, 0))
    assert_equal(layer, images, definitions.normalize(x, gamma, beta))


@pytest.mark.parametrize("name", ["sep_conv_3x3", "dil_conv_5x5"])
def test_without_scale_and_offset(name):
    layer, images, weights = make(name, (4, 4), affine=False)
    assert all(len(weight.shape) == 4 for weight in weights)
    got = layer(images, training=True).numpy()
    np.testing.assert_allclose(got.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(got.var(axis=(0, 1, 2)), 1, rtol=1e-2)


def test_relu_convolution_normalization():
    rng = np.random.default_rng(0)
    layer = operations.ReLUConvBN(5)
    images = rng.normal(size=(2, 3, 4, 3)).astype("float32")
    layer.build(images.shape)
    kernel, gamma, beta = (variable.numpy() for variable in layer.trainable_variables)
    assert kernel.shape == (1, 1, 3, 5)
    expected = definitions.convolution(definitions.relu(images), kernel)
    assert_equal(layer, images, definitions.normalize(expected, gamma, beta))


class TestFactorizedReduce:
    @pytest.mark.parametrize("size", [(6, 8), (7, 5), (6, 5), (1, 1)])
    def test_definition(self, size):
        layer, images, (even, odd, gamma, beta) = make("skip_connect", size, strides=2)
        batch, height, width, _ = images.shape
        rows, columns = -(-height // 2), -(-width // 2)
        x = np.zeros((batch, rows, columns, 4))
        for row in range(rows):
            for column in range(columns):
                y, z = 2 * row, 2 * column
                x[:, row, column, :2] = definitions.relu(images[:, y, z]) @ even[0, 0]
                if y + 1 < height and z + 1 < width:
                    shifted = definitions.relu(images[:, y + 1, z + 1])
                    x[:, row, column, 2:] = shifted @ odd[0, 0]
        assert_equal(layer, images, definitions.normalize(x, gamma, beta))

    def test_odd_channels_are_split(self):
        layer, images, weights = make("skip_connect", (4, 4), channels=5, strides=2)
        assert [weight.shape[-1] for weight in weights[:2]] == [2, 3]
        assert layer(images).shape == (3, 2, 2, 5)


def test_strides_other_than_the_dilation_are_refused():
    with pytest.raises(ValueError, match="strides 3 with dilation 2"):
        operations.create("dil_conv_3x3", 4, strides=3)


def test_gradient_of_a_dilated_convolution_is_right():
    # TensorFlow's raw depthwise kernel with dilations has a wrong gradient on a CPU.
    layer, images, _ = make("dil_conv_3x3", (5, 5), channels=2)
    kernel = layer.trainable_variables[0]
    direction = np.random.default_rng(1).normal(size=kernel.shape).astype("float32")
    mix = np.random.default_rng(2).normal(size=images.shape).astype("float32")

    def value(step):
        before = kernel.numpy()
        kernel.assign(before + step * direction)
        result = np.sum(layer(images, training=True).numpy().astype("float64") * mix)
        kernel.assign(before)
        return result

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(images, training=True) * mix)
    gradient = tape.gradient(loss, kernel.value)
    numeric = (value(1e-2) - value(-1e-2)) / 2e-2
    np.testing.assert_allclose(np.sum(gradient.numpy() * direction), numeric, rtol=2e-3)
