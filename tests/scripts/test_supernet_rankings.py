import numpy as np
import pytest

from darts_tf import methods
from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts import rank_supernets
from scripts.supernet_rankings import SMALLER, WAYS, as_csv, cells, summary, taus


@pytest.fixture
def table():
    strings = [nas_bench_201.to_string(cell) for cell in cells(0, 5, False)]
    return BenchmarkTable(strings, {"cifar10_test": [10, 20, 30, 40, 50]})


def record(**changes):
    accuracies = dict(
        zip(WAYS, ([0.1, 0.2, 0.3, 0.4, 0.5], [0.5] * 5, [0.1, 0.2, 0.4, 0.3, 0.5]), strict=True)
    )
    found = {"setting": "darts-v1", "seed": 0, "small": False, "epochs": 2, "steps": 62}
    return found | {"accuracies": accuracies} | changes


def test_taus_by_hand(table):
    batch, supernet, cell = taus(record(), table)
    assert (batch["tau"], batch["tau_better_half"]) == pytest.approx((1, 1))
    assert batch["accuracy_of_the_first"] == 50
    # One of ten pairs, and one of the three of the better half, is the other way round.
    assert cell["tau"] == pytest.approx(0.8) and cell["tau_better_half"] == pytest.approx(1 / 3)
    assert np.isnan(supernet["tau"]) and supernet["accuracy_of_the_first"] == 10
    assert taus({"setting": "darts-v1", "seed": 0, "failed": "not finite"}, table) == []


def test_summary(table):
    rows = taus(record(), table)
    rows += [{**row, "seed": 1, "tau": 0.5} for row in rows]
    line = summary(rows).splitlines()[2]
    assert line.startswith("| darts-v1 | 2 | 62 | 0.75 ± 0.35 | 0.50 | 0.65 ± 0.21 | 1.00 ± 0.00 |")
    assert as_csv(rows).splitlines()[1] == "darts-v1,0,2,62,5,batch,1.0,1.0,50.0"


def test_cells():
    for cell in cells(3, 4, True):
        assert {edge.operation for edge in cell["normal"].edges} <= set(SMALLER)
    assert cells(3, 4, False) == cells(3, 6, False)[:4] != cells(4, 4, False)


def test_supernets_that_hold_all_cells():
    found = [name for name, method in methods.METHODS.items() if rank_supernets.ranks(method)]
    assert {"darts-v1", "pc-darts", "random-ws", "sgas", "tetlo"} <= set(found)
    assert not {"p-darts", "te-nas", "random", "aging-evolution", "growing"} & set(found)
    config = rank_supernets.RankingConfig(methods=("darts-v1",))
    assert list(map(str, rank_supernets.settings(config))) == [
        *("darts-v1", "random-ws, 3 times as long", "drnas, 3 times as long"),
        *("random-ws, smaller space", "fair sampling"),
    ]
