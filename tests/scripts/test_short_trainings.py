import numpy as np
import pytest

from darts_tf import genotypes, spaces
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts import short_trainings

CELLS = [genotypes.sample(spaces.NAS_BENCH_201, seed) for seed in range(4)]


@pytest.fixture
def table(monkeypatch):
    table = BenchmarkTable.__new__(BenchmarkTable)
    monkeypatch.setattr(BenchmarkTable, "column", lambda self, name: np.array([4.0, 3.0, 2.0, 1.0]))
    monkeypatch.setattr(BenchmarkTable, "index", lambda self, genotype: CELLS.index(genotype))
    return table


def records(training, values, again=0):
    return [
        {"training": training, "again": again, "cell": number, "seconds": 1.0 + again}
        | {"genotype": CELLS[number].to_dict(), **values(number)}
        for number in range(len(CELLS))
    ]


def test_summary_by_hand(table):
    # Accuracy as in the table, but for the last two; the loss against it; no score at all.
    first = {0: 0.9, 1: 0.8, 2: 0.6, 3: 0.7}
    rows = records("96x80", lambda n: {"accuracy": first[n], "loss": -n, "score": None})
    rows += records("96x80", lambda n: {"accuracy": 2 * first[n], "loss": n, "score": None}, 1)
    rows += records("32x240", lambda n: {"accuracy": n, "loss": n, "score": -n})
    lines = short_trainings.summary(rows, table).splitlines()
    assert lines[1:] == [
        # Two pairs of six would be one wrong: (6 - 2 * 1) / 6 = 0.667.
        "96x80,4,4,0.667,-1.000,,1.000,-1.000,,1.5",
        "32x240,4,0,-1.000,1.000,1.000,,,,1.0",
    ]


def test_cells_are_those_of_a_seed_and_no_two_compute_the_same():
    config = short_trainings.TrainingsConfig(random_cells=3, changed_cells=4)
    found = short_trainings._cells(config)
    assert found == short_trainings._cells(config) and len(found) == 7
    assert all(short_trainings._weights(cell) >= 18 for cell in found[3:])
