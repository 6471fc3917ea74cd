import keras
import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.layers.stems import (
    AuxiliaryHead,
    ImageNetStem,
    ImageNetStems,
    SpaceToDepthStem,
    Stem,
)
from tests.operations import definitions


def images(*shape):
    return np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")


def weights_of(layer, x):
    """Builds a layer and returns its weights, random, in the order of computation."""
    layer.build((None, *x.shape[1:]))
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return [variable.numpy() for variable in layer.trainable_variables]


def test_cifar_stem():
    x, stem = images(5, 4, 3), Stem(6)
    kernel, gamma, beta = weights_of(stem, x)
    expected = definitions.convolution(x, kernel, padding=(1, 1))
    got = stem(x, training=True)
    np.testing.assert_allclose(
        got, definitions.normalize(expected, gamma, beta), rtol=1e-4, atol=1e-5
    )
    assert got.shape == stem.compute_output_shape(x.shape) == (2, 5, 4, 6)


@pytest.mark.parametrize("size", [(9, 8), (6, 7)])
def test_imagenet_stems(size):
    x, first = images(*size, 3), ImageNetStem(4, first=True)
    kernel_1, gamma_1, beta_1, kernel_2, gamma_2, beta_2 = weights_of(first, x)
    y = definitions.convolution(x, kernel_1, (2, 2), (1, 1))
    y = definitions.relu(definitions.normalize(y, gamma_1, beta_1))
    y = definitions.normalize(definitions.convolution(y, kernel_2, (2, 2), (1, 1)), gamma_2, beta_2)
    got = first(x, training=True)
    np.testing.assert_allclose(got, y, rtol=1e-3, atol=1e-4)
    assert kernel_1.shape[-1] == 2 and got.shape == first.compute_output_shape(x.shape)

    y = y.astype("float32")
    second = ImageNetStem(4, first=False)
    kernel, gamma, beta = weights_of(second, y)
    z = definitions.convolution(definitions.relu(y), kernel, (2, 2), (1, 1))
    np.testing.assert_allclose(
        second(y, training=True), definitions.normalize(z, gamma, beta), rtol=1e-3, atol=1e-4
    )


def test_both_halves_of_the_imagenet_stem():
    x, both = images(9, 14, 3), ImageNetStems(4)
    both.build(x.shape)
    first, second = both(x)
    np.testing.assert_array_equal(first, both.first(x))
    np.testing.assert_array_equal(second, both.second(first))
    shapes = both.compute_output_shape(x.shape)
    assert shapes == (first.shape, second.shape) == ((2, 3, 4, 4), (2, 2, 2, 4))


@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_space_to_depth_stem(size):
    x, stem = images(*size, 3), SpaceToDepthStem(5)
    kernel, gamma, beta = weights_of(stem, x)
    full = np.zeros((2, 8, 12, 3), "float32")
    full[:, : size[0], : size[1]] = x
    blocks = full.reshape(2, 2, 4, 3, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 3, 48)
    expected = definitions.convolution(blocks, kernel, padding=(1, 1))
    got = stem(x, training=True)
    np.testing.assert_allclose(
        got, definitions.normalize(expected, gamma, beta), rtol=1e-3, atol=1e-4
    )
    assert got.shape == stem.compute_output_shape(x.shape) == (2, 2, 3, 5)


class TestAuxiliaryHead:
    def test_on_cifar(self):
        x, head = images(8, 8, 3), AuxiliaryHead(5)
        squeeze, gamma_1, beta_1, square, gamma_2, beta_2, dense, bias = weights_of(head, x)
        y = definitions.relu(x)
        # 5x5 windows, three pixels apart: the reference's on its 8x8 features.
        y = np.stack(
            [
                np.stack([y[:, i : i + 5, j : j + 5].mean(axis=(1, 2)) for j in (0, 3)], 1)
                for i in (0, 3)
            ],
            1,
        )
        y = definitions.normalize(definitions.convolution(y, squeeze), gamma_1, beta_1)
        y = definitions.convolution(definitions.relu(y), square)
        assert y.shape == (2, 1, 1, 768)
        y = definitions.relu(definitions.normalize(y, gamma_2, beta_2))
        np.testing.assert_allclose(
            head(x, training=True), y[:, 0, 0] @ dense + bias, rtol=1e-2, atol=1e-2
        )

    def test_parameter_count(self):
        # 576 channels at two thirds of the CIFAR network of 36 channels.
        head = AuxiliaryHead(10)
        head.build((None, 8, 8, 576))
        expected = 576 * 128 + 256 + 4 * 128 * 768 + 1536 + 768 * 10 + 10
        assert sum(v.numpy().size for v in head.trainable_variables) == expected == 476_426

    @pytest.mark.parametrize("size", [(2, 2), (3, 2), (4, 7), (6, 11), (14, 9)])
    def test_takes_other_sizes(self, size):
        head = AuxiliaryHead(5)
        got = head(images(*size, 3))
        assert got.shape == (2, 5)
        assert head.parts[1].compute_output_shape((2, *size, 3)) == (2, 2, 2, 3)

    def test_logits_are_float32(self):
        assert AuxiliaryHead(5, dtype="mixed_bfloat16")(images(4, 4, 3)).dtype == "float32"

    def test_too_small(self):
        with pytest.raises(UserError, match="needs features of at least 2x2"):
            AuxiliaryHead(5).build((None, 1, 4, 8))


@pytest.mark.parametrize(
    "layer",
    [
        *(Stem(4), ImageNetStem(4, first=True), ImageNetStem(4, first=False), AuxiliaryHead(3)),
        SpaceToDepthStem(4),
    ],
    ids=["cifar", "imagenet 0", "imagenet 1", "auxiliary", "space to depth"],
)
def test_files(layer, tmp_path):
    inputs, x = keras.Input((8, 8, 3)), images(8, 8, 3)
    model = keras.Model(inputs, layer(inputs))
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded(x), model(x))
