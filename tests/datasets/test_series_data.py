import dataclasses
import json

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets import series_data
from darts_tf.datasets.series_data import SeriesData


def series(**changes):
    values = np.arange(40.0).reshape(20, 2) ** 1.5
    return dataclasses.replace(SeriesData("x", ("a", "b"), values, (12, 16), 3, 1), **changes)


def test_a_description_is_read_again(tmp_path):
    path = tmp_path / "data.json"
    described = series().description()
    path.write_text(json.dumps(described))
    assert series_data.load_description(path) == described
    assert series_data.difference(described, series(name="y").description()) is None
    assert series_data.digest(described) == series_data.digest(series(name="y").description())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizon": 2}, "the series' horizon was 1 and is now 2"),
        ({"columns": ("a", "c")}, "the series' columns was"),
        ({"bounds": (12, 17)}, "the validation part of the series had 4 rows and has now 5"),
        ({"values": series().values + 1}, "the train part of the series is another one now"),
    ],
)
def test_the_first_difference(changes, words):
    before, now = series().description(), series(**changes).description()
    assert words in series_data.difference(before, now)
    assert series_data.digest(before) != series_data.digest(now)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "text"}, "does not describe a series"),
        ({"columns": []}, "columns is"),
        ({"transform": "logs"}, "transform is 'logs'"),
        ({"first_row": [1.0]}, "first_row is"),
        ({"window": 1.5}, "window is missing or no whole number"),
        ({"fingerprint": {}}, "the fingerprint of the train part of the series is missing"),
    ],
)
def test_what_is_no_description(tmp_path, change, message):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(series().description() | change))
    with pytest.raises(UserError, match=message):
        series_data.load_description(path)


def test_a_file_that_is_no_json(tmp_path):
    (tmp_path / "data.json").write_text("{")
    with pytest.raises(UserError, match="cannot read the data description"):
        series_data.load_description(tmp_path / "data.json")
