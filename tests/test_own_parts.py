"""Parts of a user's own, without a name, on every axis of a tiny search."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, macros, methods, networks, relaxations, selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.methods import Method
from darts_tf.plots.cells import plot_genotype
from darts_tf.relaxations import Dirichlet, Relaxation
from darts_tf.search import record
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet


class Squared(Relaxation):
    """Operation weights that are the shares of alpha squared, with a temperature as the exponent.

    Every row sums to 1.
    """

    temperature = 2.0

    def variables(self, space):
        shape = (len(space.edges), len(space.operations))
        return {"alpha": relaxations.Start(shape, mean=1.0, stddev=0.1)}

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        powers = tf.abs(variables["alpha"]) ** temperature
        powers = tf.where(space.mask(cell_type), powers, 0.0)
        return powers / tf.reduce_sum(powers, axis=-1, keepdims=True)

    def probabilities(self, space, cell_type, variables):
        return self.weights(space, cell_type, variables, self.temperature)


def last_edge(space, weights):
    """A selection: the best operation of the last edge into every node."""
    cells = {}
    for cell_type in space.cell_types:
        nodes = []
        for node in range(space.nodes):
            edge = space.edges_into(node)[-1]
            row = np.where(space.mask(cell_type)[edge], weights[cell_type][edge], -1)
            row[space.operations.index("none")] = -1
            nodes.append((Edge(space.operations[int(row.argmax())], space.edges[edge].source),))
        cells[cell_type] = CellGenotype(tuple(nodes), space.concat)
    return Genotype(space, cells)


SPACE = Space(
    "nobody_knows_it",
    ("none", "skip_connect", "nor_conv_1x1"),
    nodes=2,
    inputs=1,
    edges_per_node=1,
    cell_types=("normal",),
    output="last",
    preprocess=None,
    macro="nas_bench_201",
)
METHOD = Method(
    "own",
    "first_order",
    "nowhere",
    relaxation=Squared(),
    selection=last_edge,
    temperature=lambda epoch, epochs: 2.0 + epoch,
)
SIZE = {"input_shape": (4, 4, 1), "num_classes": 2, "channels": 2, "cells": 3}


def batches(epoch=0):
    draw = np.random.default_rng(epoch)
    images = draw.normal(size=(4, 4, 4, 1)).astype("float32")
    return tf.data.Dataset.from_tensors((images, np.array([0, 1, 0, 1])))


def test_a_search_by_them(eagerly, tmp_path):
    keras.utils.set_random_seed(0)
    search = ArchitectureSearch(METHOD.make_supernet(SPACE, **SIZE), METHOD)
    before = [v.numpy() for v in search.supernet.architecture_variables]
    history = search.fit(batches, batches, 2, verbose=0, checkpoint_dir=tmp_path)
    assert np.isfinite(history.history["val_loss"]).all()
    assert float(search.supernet.architecture.temperature) == 3.0
    moved = search.supernet.architecture_variables[0].numpy() - before[0]
    assert np.abs(moved).max() > 1e-3
    weights = search.operation_weights()["normal"]
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)

    genotype = search.genotype()
    assert genotype == last_edge(SPACE, search.operation_weights())
    assert [edge.source for edge in genotype["normal"].edges] == [0, 1]
    assert genotype.space == "nobody_knows_it" and genotype.search_space == SPACE
    again = Genotype.from_json(genotype.to_json())
    assert again == genotype and again.search_space == SPACE
    assert len(plot_genotype(genotype, tmp_path, formats=("svg",))) == 1
    network = networks.build_network(again, (4, 4, 1), 2, channels=2, cells=3)
    assert network(np.zeros((1, 4, 4, 1))).shape == (1, 2)

    settings = record.settings(search.supernet, METHOD)
    assert settings["method relaxation"] == settings["supernet relaxation"] == "Squared"
    assert settings["method selection"] == "last_edge"
    other = dataclasses.replace(METHOD, selection="magnitude")
    assert record.settings(search.supernet, other)["method selection"] == "magnitude"


def test_what_a_supernet_is_made_with_and_a_method_needs_are_compared(eagerly):
    for relaxation in (Squared, Squared()):
        supernet = Supernet(SPACE, relaxation=relaxation, **SIZE)
        # Another object of the same definition is the same relaxation.
        ArchitectureSearch(supernet, METHOD)
        with pytest.raises(
            UserError,
            match="'darts-v1' needs the relaxation 'softmax'; the supernet was made with "
            r"'Squared'. method.make_supernet\(space, input_shape, num_classes\) makes one",
        ):
            ArchitectureSearch(supernet, "darts-v1")
    with pytest.raises(UserError, match="'sgas' needs .*decisions=True. method.make_supernet"):
        ArchitectureSearch(Supernet(SPACE, **SIZE), "sgas")


def saved(supernet, path):
    supernet.save(path)
    loaded = keras.models.load_model(path, compile=False)
    for one, other in zip(supernet.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    return loaded


def test_a_space_and_arguments_of_a_known_relaxation_are_saved(tmp_path):
    supernet = Supernet(SPACE, relaxation=Dirichlet(distance_weight=0.5), **SIZE)
    loaded = saved(supernet, tmp_path / "supernet.keras")
    assert loaded.space == SPACE and loaded.relaxation == Dirichlet(distance_weight=0.5)
    assert loaded.cells[0].get_config()["space"]["class_name"] == "Space"
    json.dumps(loaded.get_config())


def test_an_own_relaxation_is_saved_once_it_has_a_name(tmp_path):
    supernet = Supernet(SPACE, relaxation=Squared(), **SIZE)
    with pytest.raises(UserError, match="Squared has no name, .*; register it"):
        supernet.save(tmp_path / "supernet.keras")
    relaxations.register("squared", Squared)
    try:
        assert supernet.get_config()["relaxation"] == "squared"
        assert isinstance(saved(supernet, tmp_path / "supernet.keras").relaxation, Squared)
    finally:
        relaxations._RELAXATIONS._entries.pop("squared")


def test_the_name_that_was_given_is_written(monkeypatch):
    parts = relaxations._RELAXATIONS
    monkeypatch.setattr(parts, "_entries", dict(parts))
    relaxations.register("another_name", relaxations.Softmax())
    supernet = Supernet(SPACE, relaxation="another_name", **SIZE)
    method = dataclasses.replace(METHOD, relaxation="another_name")
    settings = record.settings(supernet, method)
    assert settings["method relaxation"] == settings["supernet relaxation"] == "another_name"


def test_registered_parts_are_written_by_their_names():
    supernet = Supernet(spaces.NAS_BENCH_201, relaxation=relaxations.Softmax(), **SIZE)
    config = supernet.get_config()
    assert (config["space"], config["relaxation"]) == ("nas_bench_201", "softmax")
    assert supernet.cells[0].space == "nas_bench_201"
    restricted = spaces.DARTS_CNN.restrict(
        dict.fromkeys(("normal", "reduce"), (("none", "sep_conv_3x3"),) * 14)
    )
    found = genotypes.sample(restricted, 0)
    assert found.to_dict()["space"] == "darts_cnn" and found.search_space == spaces.DARTS_CNN
    assert spaces.serialize(restricted)["config"]["edge_operations"]["normal"][0] == [
        "none",
        "sep_conv_3x3",
    ]


def test_an_own_macro_network(tmp_path):
    macro = macros.Staged(
        "wide",
        stem=lambda channels: keras.layers.Conv2D(channels, 1),
        reduction=lambda channels: keras.layers.Conv2D(channels, 1, strides=2),
        stages=2,
        channels=3,
        cells=2,
    )
    space = dataclasses.replace(SPACE, macro=macro)
    supernet = Supernet(space, (4, 4, 1), 2)
    assert supernet(np.zeros((1, 4, 4, 1))).shape == (1, 2) and len(supernet.cells) == 2
    for write in (
        lambda: supernet.save(tmp_path / "supernet.keras"),
        genotypes.sample(space, 0).to_json,
    ):
        with pytest.raises(UserError, match="Staged has no name, .*; register it"):
            write()


@pytest.mark.parametrize(
    "get, given", [(spaces.get, 3), (relaxations.get, len), (selections.get, 3), (methods.get, 3)]
)
def test_what_is_no_part_is_refused(get, given):
    with pytest.raises(UserError, match="expected a .*: a name .*, an object or a configuration"):
        get(given)
