"""Every class that Keras may meet in a saved file."""

import importlib
import json
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import darts_tf
from darts_tf import genotypes, networks
from darts_tf.common import saved_classes
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.networks import training
from darts_tf.networks.network import without_training
from darts_tf.supernets.supernet import Supernet
from tests.classes import ARGUMENTS, IMAGES, LAYERS, call, cls, images, shape


def serialized(made):
    return json.loads(json.dumps(keras.saving.serialize_keras_object(made)))


def test_all_classes_are_known_before_they_are_imported():
    for module in pkgutil.walk_packages(darts_tf.__path__, "darts_tf."):
        importlib.import_module(module.name)
    registered = {
        name.removeprefix("darts_tf>"): found
        for name, found in keras.saving.get_custom_objects().items()
        if name.startswith("darts_tf>")
    }
    known = {
        name: f"darts_tf.{module}"
        for module, names in saved_classes._CLASSES.items()
        for name in names
    }
    assert {name: found.__module__ for name, found in registered.items()} == known
    assert set(ARGUMENTS) == set(known)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_configurations(name, one_edge_space):
    """An object of each class comes back from JSON, by the class's name alone."""
    made = cls(name)(**ARGUMENTS[name])
    config, text = (serialized(made) for _ in range(2))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is cls(name)
    assert serialized(again) == text


@pytest.mark.parametrize("name", LAYERS)
def test_shapes_and_weights(name, one_edge_space):
    layer = cls(name)(**ARGUMENTS[name])
    outputs = call(name, layer)
    # By position, and by the name of what `build` was given, as `summary()` asks.
    assert tuple(layer.compute_output_shape(shape(name))) == outputs.shape
    assert layer.compute_output_shape(**layer._build_shapes_dict)[1:] == outputs.shape[1:]
    again = cls(name).from_config(layer.get_config())
    again.build_from_config(layer.get_build_config())
    assert again.count_params() == layer.count_params()
    again.set_weights(layer.get_weights())
    if name != "Noise":
        np.testing.assert_array_equal(call(name, again), outputs)


@pytest.fixture
def forgotten():
    """Keras as it is when only the package itself has been imported."""
    known = keras.saving.get_custom_objects()
    before = dict(known)
    for name in [name for name in known if name.startswith("darts_tf>")]:
        del known[name]
    saved_classes.register(keras)
    yield
    known.update(before)


def test_networks_load_without_an_import(tiny_space, forgotten, tmp_path, recwarn):
    cell = CellGenotype([[Edge("sep_conv_3x3", 0), Edge("skip_connect", 1)]], [2])
    genotype = Genotype(tiny_space, {"normal": cell, "reduce": cell})
    network = networks.build_network(genotype, IMAGES[1:], 3, 2, 3, auxiliary=True, drop_path=True)
    training.compile_network(network, training.Recipe(epochs=1), 2)
    network.optimizer.build(network.trainable_variables)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    mine, its = network(images("")), loaded(images(""))
    for output in ("logits", "auxiliary"):
        np.testing.assert_array_equal(its[output], mine[output])
    assert len(loaded.optimizer.variables) == len(network.optimizer.variables)
    assert not [warning for warning in recwarn if "optimizer" in str(warning.message)]


def test_a_tested_network_is_saved_without_an_optimizer(tmp_path, recwarn, one_edge_space):
    genotype = genotypes.get(
        "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
    )
    network = networks.build_network(genotype, IMAGES[1:], 3, 2, 3)
    training.compile_network(network, training.Recipe(epochs=1), 2)
    optimizer = network.optimizer
    training.test_network(network, tf.data.Dataset.from_tensors((images(""), [0, 1])))
    assert network.optimizer is optimizer
    without_training(network).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images("")), network(images("")))
    assert not loaded.compiled
    assert not [warning for warning in recwarn if "optimizer" in str(warning.message)]


def test_supernets_load_and_are_cloned(one_edge_space, forgotten, tmp_path):
    supernet = Supernet(**ARGUMENTS["Supernet"])
    supernet.architecture_variables[0].assign([[3.0, 1.0, 2.0]])
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.models.load_model(tmp_path / "supernet.keras")
    np.testing.assert_array_equal(loaded.architecture_variables[0], [[3.0, 1.0, 2.0]])
    clone = keras.models.clone_model(supernet)
    clone.set_weights(supernet.get_weights())
    for other in (loaded, clone):
        np.testing.assert_array_equal(other(images("")), supernet(images("")))


@pytest.mark.parametrize("order", ["darts_tf, keras", "keras, darts_tf"])
def test_either_may_be_imported_first(order, tmp_path):
    """With a stand-in for Keras, which takes seconds."""
    (tmp_path / "keras.py").write_text(
        "class saving:\n    known = {}\n    get_custom_objects = lambda: saving.known\n"
    )
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import {order}; "
    code += "print(len(keras.saving.known), 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == f"{len(ARGUMENTS)} False\n"
