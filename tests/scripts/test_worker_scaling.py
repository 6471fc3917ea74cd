import json

import numpy as np
import pytest

from darts_tf.common import array_files
from darts_tf.common.errors import UserError
from scripts import worker_scaling


def test_the_config_of_a_worker():
    config = json.loads(worker_scaling.tf_config([1, 2], 1))
    assert config["cluster"] == {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
    assert config["task"] == {"type": "worker", "index": 1}


def test_ratios_are_those_of_turns():
    one = {"seconds": [1.0, 2.0, 4.0], "cpu_seconds": [1.0, 1.0, 1.0]}
    two = {"seconds": [0.6, 1.0, 2.8], "cpu_seconds": [1.5, 1.2, 1.3]}
    table = worker_scaling.as_table([1, 2], [one, two], [0.0, 2e-7]).splitlines()
    assert table[2].startswith("| 1 | 2.00 | 1.00 (1.00 to 1.00) | 1.00 ")
    # The median of 0.6, 0.5 and 0.7, not 1.0 / 2.0.
    assert table[3] == ("| 2 | 1.00 | 0.60 (0.50 to 0.70) | 1.30 | 1.30 (1.20 to 1.50) | 2.0e-07 |")


@pytest.mark.parametrize("worker", [0, 1])
def test_the_largest_difference_is_of_any_worker(tmp_path, worker):
    one = worker_scaling.Cluster(1, tmp_path / "one")
    two = worker_scaling.Cluster(2, tmp_path / "two")
    values = np.arange(6.0)
    for folder in (one.folder, two.folder):
        folder.mkdir()
        for index in range(2):
            array_files.write(folder / str(index), [values, values])
    assert worker_scaling._difference(one, two) == 0
    array_files.write(two.folder / str(worker), [values, values - 0.25 * (values == 3)])
    assert worker_scaling._difference(one, two) == 0.25


@pytest.mark.parametrize("difference", [2e-10, np.nan])
def test_only_float64_tells_more_than_rounding(difference):
    worker_scaling.check("float32", [0.0, difference])
    worker_scaling.check("float64", [0.0, 1e-15])
    with pytest.raises(UserError, match="the order of sums explains 1e-10"):
        worker_scaling.check("float64", [0.0, difference])
