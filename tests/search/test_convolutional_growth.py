"""Convolutional cells that grow in a search."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods
from darts_tf.schedules.transitions import Grow, ReturnToBest, Stop
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.spaces import Space
from darts_tf.supernets.growth.changes import AddNode
from tests.search.searches import Program


def pictures(nodes=1):
    space = Space("grows", ("none", "skip_connect", "sep_conv_3x3"), nodes=nodes)
    rule = Program({0: (Grow((AddNode(),)),), 1: (Stop("enough"), ReturnToBest())})
    method = dataclasses.replace(methods.get("growing"), rule=rule)
    keras.utils.set_random_seed(0)
    supernet = method.make_supernet(space, (8, 8, 1), 2, channels=2, cells=3)
    search = ArchitectureSearch(supernet, method)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((images, np.arange(4) % 2)).batch(4)
    return search, search.fit(data, data, 3, verbose=0).history


def test_convolutional_cells_grow(eagerly):
    search, history = pictures()
    assert history["nodes"] == [1, 2]
    assert len(search.genotype()["normal"].nodes) == search.supernet.space.nodes


@pytest.mark.thorough
def test_convolutional_cells_grow_alike_when_they_are_traced(eagerly):
    search, history = pictures()
    tf.config.run_functions_eagerly(False)
    traced, again = pictures()
    assert again["nodes"] == history["nodes"] == [1, 2]
    np.testing.assert_allclose(again["val_loss"], history["val_loss"], rtol=1e-4)
    for mine, its in zip(
        search.supernet.architecture_variables, traced.supernet.architecture_variables, strict=True
    ):
        np.testing.assert_allclose(its, mine, atol=1e-5)
