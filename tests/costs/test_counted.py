import keras
import pytest

from darts_tf import genotypes
from darts_tf.costs import counted
from darts_tf.genotypes import CellGenotype, Genotype
from darts_tf.networks.network import build_network
from darts_tf.supernets.supernet import Supernet


def one_operation(name) -> Genotype:
    """Cells whose first node has the operation on both inputs, all else skips or nothing."""
    rest = ((("skip_connect", 2), ("skip_connect", 2)),) * 3
    cell = CellGenotype((((name, 0), (name, 1)), *rest), (2, 3, 4, 5))
    return Genotype("darts_cnn", {"normal": cell, "reduce": cell})


def layer_model(size, layer):
    inputs = keras.Input(size)
    return keras.Model(inputs, layer(inputs))


class TestLayers:
    def test_convolution(self):
        model = layer_model((8, 6, 3), keras.layers.Conv2D(5, (3, 1), strides=2, padding="same"))
        assert counted.multiply_adds(model) == 4 * 3 * 5 * (3 * 3)
        assert counted.parameters(model) == 3 * 3 * 5 + 5

    def test_depthwise(self):
        model = layer_model((8, 6, 3), keras.layers.DepthwiseConv2D(3, padding="same"))
        assert counted.multiply_adds(model) == 8 * 6 * 3 * 9

    def test_dilated_depthwise(self):
        model = layer_model(
            (8, 6, 3), keras.layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)
        )
        assert counted.multiply_adds(model) == 8 * 6 * 3 * 9

    def test_dense(self):
        model = layer_model((7,), keras.layers.Dense(4))
        assert counted.multiply_adds(model) == 28

    def test_moving_statistics_are_not_counted(self):
        model = layer_model((2, 2, 3), keras.layers.BatchNormalization())
        assert (counted.parameters(model), counted.multiply_adds(model)) == (6, 0)


def test_network_by_hand():
    network = build_network(one_operation("sep_conv_3x3"), (8, 8, 3), 4, channels=2, cells=3)
    total = 64 * 27 * 6  # Stem.
    # Cells: channels, size of the inputs and the nodes in pixels, channels of the inputs.
    for channels, first, second, inside, inputs in (
        (2, 64, 64, 64, (6, 6)),
        (4, 64, 64, 16, (6, 8)),
        (8, 16, 16, 4, (8, 16)),
    ):
        total += first * inputs[0] * channels + second * inputs[1] * channels
        total += 2 * 2 * inside * (9 * channels + channels**2)
    total += 32 * 4
    assert counted.multiply_adds(network) == total


@pytest.mark.slow
def test_the_published_network():
    network = build_network(genotypes.get("DARTS_V2"), (32, 32, 3), 10, channels=36, cells=20)
    assert counted.parameters(network) == 3_349_342
    # The figure that papers give for it, in millions.
    assert round(counted.multiply_adds(network) / 1e6) == 528


def test_supernet():
    supernet = Supernet("darts_cnn", (8, 8, 1), 3, channels=2, cells=3)
    assert counted.parameters(supernet) == sum(v.numpy().size for v in supernet.weight_variables)
    assert counted.multiply_adds(supernet) > 64 * 9 * 6
