import pytest

from darts_tf.nas_bench.tables import BenchmarkTable
from scripts import found_cells

SKIPS = "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|skip_connect~1|none~2|"
CONVS = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|"


@pytest.fixture
def table():
    columns = {"cifar10_val": [1, 2], "cifar10_test": [60.5, 88.25]}
    return BenchmarkTable([SKIPS, CONVS], columns)


def record(setting, seed, cell):
    found = {"setting": setting, "seed": seed, "cell": cell, "steps": 100}
    return found | {"step_seconds": 0.2, "selection_seconds": 4.0}


def test_a_cell_is_looked_up(table):
    (row,) = found_cells.row(record("drnas", 0, SKIPS), table)
    assert (row["cifar10_test"], row["rank"], row["skips"]) == (60.5, 2, 3)
    assert found_cells.row({"setting": "drnas", "seed": 0, "failed": "not finite"}, table) == []
    assert found_cells.row(record("fair sampling", 0, None), table) == []


def test_the_best_mean_comes_first(table):
    given = [("snas", 0, SKIPS), ("drnas", 1, CONVS), ("drnas", 0, SKIPS)]
    rows = [row for one in given for row in found_cells.row(record(*one), table)]
    first, second = found_cells.summary(rows).splitlines()[2:]
    assert first == ("| drnas | 2 | 74.38 ± 19.62 | 60.50, 88.25 | 2, 1 | 3, 0 | 100 | 24 |")
    assert second == "| snas | 1 | 60.50 | 60.50 | 2 | 3 | 100 | 24 |"
