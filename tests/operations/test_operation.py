import keras
import numpy as np
import pytest

from darts_tf import operations, spaces
from darts_tf.common.errors import UserError

BUILT_IN = ("darts_cnn", "nasnet", "nas_bench_201", "s1", "s2", "s3", "s4")


def test_unknown_name():
    with pytest.raises(UserError, match="unknown operation 'sep_conv'; expected .*sep_conv_3x3"):
        operations.create("sep_conv", 4)


# Not those that other tests register.
NAMES = sorted({name for space in BUILT_IN for name in spaces.get(space).operations})


def test_all_names_of_the_spaces_are_registered():
    assert len(NAMES) == 14
    assert set(NAMES) <= set(operations.names())


@pytest.mark.parametrize(
    "name, strides, expected, normalizations",
    [
        # Depthwise and 1x1 kernels of 6 channels, each pair with scale and offset.
        ("sep_conv_3x3", 1, 2 * (9 * 6 + 36), 2),
        ("sep_conv_5x5", 2, 2 * (25 * 6 + 36), 2),
        ("sep_conv_7x7", 1, 2 * (49 * 6 + 36), 2),
        ("dil_conv_3x3", 1, 9 * 6 + 36, 1),
        ("dil_conv_5x5", 2, 25 * 6 + 36, 1),
        ("conv_7x1_1x7", 1, 2 * 7 * 36, 1),
        ("conv_3x1_1x3", 2, 2 * 3 * 36, 1),
        ("skip_connect", 1, 0, 0),
        ("skip_connect", 2, 2 * 6 * 3, 1),
        ("max_pool_3x3", 2, 0, 0),
        ("avg_pool_3x3", 1, 0, 0),
        ("none", 2, 0, 0),
    ],
)
@pytest.mark.parametrize("affine", [True, False])
def test_parameter_counts(name, strides, expected, normalizations, affine):
    layer = operations.create(name, 6, strides=strides, affine=affine)
    layer.build((None, 4, 4, 6))
    got = sum(weight.numpy().size for weight in layer.trainable_variables)
    assert got == expected + affine * 12 * normalizations


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", NAMES)
class TestSaving:
    def test_config(self, name, strides):
        layer = operations.create(name, 4, strides=strides, affine=False)
        config = layer.get_config()
        assert (config["channels"], config["strides"], config["affine"]) == (4, strides, False)
        again = type(layer).from_config(config)
        assert again.get_config() == config
        shape = (None, 6, 6, 4)
        for each in (layer, again):
            each.build(shape)
        assert [w.shape for w in layer.weights] == [w.shape for w in again.weights]
        assert layer.compute_output_shape(shape) == (None, 6 // strides, 6 // strides, 4)

    def test_file(self, name, strides, tmp_path):
        inputs = keras.Input((6, 5, 4))
        model = keras.Model(inputs, operations.create(name, 4, strides=strides)(inputs))
        x = np.random.default_rng(0).normal(size=(2, 6, 5, 4)).astype("float32")
        model(x, training=True)
        for weight in model.weights:
            weight.assign(weight + np.random.default_rng(1).uniform(size=weight.shape))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        if name == "noise":
            assert loaded(x).shape == model(x).shape
            return
        np.testing.assert_array_equal(loaded(x), model(x))
        np.testing.assert_array_equal(loaded(x, training=True), model(x, training=True))
