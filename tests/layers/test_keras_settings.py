"""Networks are the same under any global settings of Keras."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import ArchitectureSearch, genotypes, macros, networks, operations, spaces
from darts_tf.cells.cell import Cell, MixedCell
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.networks import training
from darts_tf.supernets.supernet import Supernet
from tests.classes import ARGUMENTS as OF_LAYERS
from tests.classes import LAYERS, cls
from tests.classes import call as call_layer
from train import startup

# Rows, columns and channels differ, so that none can pass for another.
IMAGES = np.random.default_rng(0).normal(size=(2, 6, 8, 4)).astype("float32")


def values():
    return (
        keras.config.image_data_format(),
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.dtype_policy().name,
    )


def assign(data_format, floatx, epsilon, policy):
    keras.config.set_image_data_format(data_format)
    keras.config.set_floatx(floatx)
    keras.config.set_epsilon(epsilon)
    keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def settings(data_format="channels_first", floatx="float16", epsilon=0.1, policy="float32"):
    before = values()
    assign(data_format, floatx, epsilon, policy)
    try:
        yield
    finally:
        assign(*before)


def under_both(compute):
    """The results of a function under the default settings and under others, from one seed."""
    found = []
    for scope in (contextlib.nullcontext, settings):
        keras.utils.set_random_seed(0)
        with scope():
            found.append([np.asarray(x) for x in keras.tree.flatten(compute())])
    return found


def assert_equal(compute):
    for mine, its in zip(*under_both(compute), strict=True):
        assert mine.dtype == its.dtype
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("name", operations.names())
def test_operations(name, strides):
    def compute():
        layer = operations.create(name, 4, strides)
        return layer(IMAGES), layer(IMAGES, training=True)

    assert_equal(compute)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, one_edge_space):
    assert_equal(lambda: call_layer(name, cls(name)(**OF_LAYERS[name])))


@pytest.mark.parametrize("space", spaces.names(searchable_only=True))
def test_layers_of_all_spaces_name_their_data_format(space):
    macro = macros.get(spaces.get(space).macro)
    with settings():
        layers = [macro.stem(4), macro.head(3)]
        layers += [x for x in macro.parts(4, 3) if not isinstance(x, macros.CellPlan)]
        layers += [MixedCell(space, 4, i > 0) for i in range(len(spaces.get(space).cell_types))]
    assert_channels_last(layers)


@pytest.mark.parametrize("name", ["NASNET", "AMOEBANET", "DARTS_V2"])
def test_layers_of_published_cells_name_their_data_format(name):
    with settings():
        assert_channels_last(
            [Cell(x.nodes, x.concat, 4) for x in genotypes.get(name).cells.values()]
        )


def assert_channels_last(layers):
    formats = {
        getattr(part, "data_format", None) for layer in layers for part in layer._flatten_layers()
    }
    assert formats == {None, "channels_last"}


def test_networks(tiny_space):
    made = []

    def compute():
        made.append(tiny(tiny_space, "sep_conv_3x3", auxiliary=True))
        return made[-1](IMAGES)

    assert_equal(compute)
    assert [network.input.dtype for network in made] == ["float32"] * 2


def tiny(space, operation, **options):
    cell = CellGenotype([[Edge(operation, 0), Edge("skip_connect", 1)]], [2])
    genotype = Genotype(space, {"normal": cell, "reduce": cell})
    return networks.build_network(genotype, IMAGES.shape[1:], 3, 2, 3, **options)


@pytest.fixture(scope="module")
def own_space():
    """A space with an operation that leaves everything to Keras."""

    @operations.register("plain_convolution")
    def convolution(channels, strides):
        return keras.layers.Conv2D(channels, 3, strides, padding="same", use_bias=False)

    return spaces.register(
        spaces.Space("plain", ("none", "skip_connect", "plain_convolution"), nodes=1)
    ).name


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_network_is_loaded_as_it_was_saved(policy, own_space, tmp_path):
    """Its own layers, and those that users' operations make without a word on the format."""
    with settings("channels_last", policy=policy):
        network = tiny(own_space, "plain_convolution")
    outputs = network(IMAGES).numpy()
    network.save(tmp_path / "model.keras")
    other = {"float32": "mixed_bfloat16", "mixed_bfloat16": "float32"}[policy]
    with settings(policy=other):
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(IMAGES), outputs)
    mine, its = (
        [x.compute_dtype for x in made._flatten_layers(include_self=False) if x.weights]
        for made in (network, loaded)
    )
    assert its == mine


def test_a_supernet_is_made_of_its_own_policy(one_edge_space):
    options = {"channels": 2, "cells": 3, "dtype": "mixed_bfloat16"}
    supernet = Supernet(one_edge_space, IMAGES.shape[1:], 3, **options)
    again = Supernet.from_config(supernet.get_config())
    for made in (supernet, again):
        assert {cell.compute_dtype for cell in made.cells} == {"bfloat16"}
        assert made.stem.parts[0].compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_the_settings_are_the_users_again():
    with settings(policy="mixed_bfloat16"):
        before = values()
        with contextlib.suppress(RuntimeError), inner_layers("float32"):
            assert values()[0] == "channels_last" and values()[3] == "float32"
            raise RuntimeError
        assert values() == before


@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
def test_weights_in_16_bits_are_refused(policy, one_edge_space, tiny_space):
    expected = f"the dtype policy '{policy}' keeps weights .* use .*'mixed_{policy}'"
    with settings(policy=policy):
        with pytest.raises(UserError, match=expected):
            Supernet(one_edge_space, IMAGES.shape[1:], 3, channels=2, cells=3)
        with pytest.raises(UserError, match=expected):
            tiny(tiny_space, "skip_connect")


def test_training_that_counts_in_16_bits_is_refused(one_edge_space, tiny_space):
    expected = r"floatx\(\) is 'float16'.* use keras.config.set_floatx\('float32'\)"
    network = tiny(tiny_space, "skip_connect")
    with settings():
        supernet = Supernet(one_edge_space, IMAGES.shape[1:], 3, channels=2, cells=3)
        with pytest.raises(UserError, match=expected):
            ArchitectureSearch(supernet)
        with pytest.raises(UserError, match=expected):
            training.compile_network(network, training.Recipe(), 1)
        with pytest.raises(UserError, match=expected):
            training.test_network(network, tf.data.Dataset.from_tensors((IMAGES, [0, 1])))


def test_the_loss_has_32_bits():
    labels = [2500]
    logits = tf.constant(np.random.default_rng(0).normal(size=(1, 3000)), tf.float32)
    assert_equal(lambda: training.SmoothedCrossentropy(0.1)(labels, logits))


def test_programs_have_settings_of_their_own():
    default = values()
    with settings(policy="float16"):
        keras.config.set_max_epochs(1)
        startup._settle_keras(keras)
        assert values() == default == ("channels_last", "float32", 1e-7, "float32")
        assert keras.config.max_epochs() is None
