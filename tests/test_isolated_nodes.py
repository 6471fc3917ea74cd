"""A node without edges is no part of its cell, wherever a genotype is used."""

import os

import numpy as np
import pytest

from darts_tf import plots
from darts_tf.cells.cell import Cell
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype

NODES = (
    (Edge("skip_connect", 0),),
    (),
    (Edge("skip_connect", 1), Edge("skip_connect", 2)),
    (),
)
CELL = CellGenotype(NODES, (2, 4))
GENOTYPE = Genotype("darts_cnn", {"normal": CELL, "reduce": CELL})


def test_file():
    assert Genotype.from_json(GENOTYPE.to_json()) == GENOTYPE


def test_picture(tmp_path):
    plots.plot_genotype(GENOTYPE, tmp_path)
    assert {"cell_normal.svg", "cell_reduce.png"} <= set(os.listdir(tmp_path))


def test_cell():
    cell, images = Cell(NODES, (2, 4), 4), np.ones((2, 6, 6, 4), "float32")
    cell.build([images.shape] * 2)
    first, second = (layer(images).numpy() for layer in cell.preprocess)
    outputs = cell([images, images])
    expected = np.concatenate([first, second + first], axis=-1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    assert outputs.shape == cell.compute_output_shape([images.shape] * 2)


@pytest.mark.parametrize(
    "nodes, concat", [(NODES, (2, 3)), ((*NODES[:3], ((("skip_connect"), 3),)), (2,))]
)
def test_it_must_not_be_used(nodes, concat):
    cell = CellGenotype(nodes, concat)
    with pytest.raises(UserError, match=r"nodes\[1\]: node 3 needs at least one edge"):
        Genotype("darts_cnn", {"normal": cell, "reduce": cell})
