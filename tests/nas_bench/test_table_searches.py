import numpy as np
import pytest

from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.table_searches import as_csv, best_so_far
from darts_tf.nas_bench.tables import BenchmarkTable

STRINGS = [
    nas_bench_201.to_string(nas_bench_201.from_operations([name] * 6))
    for name in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
]


@pytest.fixture
def table():
    return BenchmarkTable(
        STRINGS, {"cifar10_val": [10, 50, 90, 90], "cifar10_test": [20, 60, 80, 100]}
    )


def test_best_so_far_goes_by_validation_and_keeps_the_first_of_equals(table):
    assert best_so_far(table, [1, 0, 2, 3, 1]).tolist() == [1, 1, 2, 2, 2]


def test_means_and_standard_deviations_by_budget(table):
    found = {"short": np.array([[0, 1], [1, 1]]), "long": np.array([[0, 1, 2], [3, 3, 3]])}
    assert as_csv(table, found, (1, 3), head="tuner").splitlines() == [
        "tuner,evaluations,seeds,test_mean,test_std,val_mean,val_std",
        "short,1,2,40.00,20.00,30.00,20.00",
        "long,1,2,60.00,40.00,50.00,40.00",
        "long,3,2,90.00,10.00,90.00,0.00",
    ]
