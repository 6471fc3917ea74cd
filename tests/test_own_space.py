"""The worked example of a space of one's own, which is not of images."""

import numpy as np
import pytest

from darts_tf import genotypes, spaces
from darts_tf.cells.cell import MixedCell
from darts_tf.costs import expected_cost
from darts_tf.networks.network import build_network
from darts_tf.supernets.supernet import Supernet
from examples import sequences


def test_the_space():
    space = spaces.get("sequences")
    assert len(space.edges) == 6 and space.concat == (3,)
    assert space.operations_on("normal")[3] == ("none", "skip_connect")


@pytest.mark.parametrize("length", [8, 7])
def test_supernet_and_network_of_sequences(length):
    supernet = Supernet("sequences", (length, 3), 4, channels=2)
    assert all(isinstance(cell, MixedCell) for cell in supernet.cells)
    x = np.random.default_rng(0).normal(size=(5, length, 3)).astype("float32")
    assert supernet(x, training=True).shape == (5, 4)
    network = build_network(genotypes.sample(supernet.space, 0), (length, 3), 4, channels=2)
    assert network(x).shape == (5, 4)


def test_costs_of_one_dimensional_layers():
    table = expected_cost.table(
        "sequences", (8, 3), 4, channels=2, measure=expected_cost.measure("flops")
    )
    # Lengths 8 and 4, channels 2 and 4.
    three = 8 * 3 * 2 * 2 + 4 * 3 * 4 * 4
    np.testing.assert_array_equal(table.operations["normal"][0], [0, 0, three, three * 5 / 3])
    np.testing.assert_array_equal(table.operations["normal"][3], [0, 0, 0, 0])


@pytest.mark.slow
def test_the_example_runs():
    genotype, accuracy = sequences.main(epochs=3, examples=512)
    # It was 0.84; a tenth is chance.
    assert genotype.space == "sequences" and accuracy > 0.5
    assert all(len(node) <= 2 for node in genotype["normal"].nodes)
