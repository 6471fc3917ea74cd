import json

import pytest

from darts_tf.common.errors import UserError
from darts_tf.report import comparison

ROWS = [
    {"name": "darts-v2", "kind": "found", "value": 0.97, "deviation": 0.01, "seeds": 3},
    {"name": "random", "kind": "baseline", "value": None, "parameters": 4750, "note": "stopped"},
]


def make(**changed):
    fields = {"metric": "test_accuracy", "larger_is_better": True, "rows": ROWS}
    return comparison.Comparison(**{**fields, **changed})


def test_what_is_written_is_read(tmp_path):
    written = make(budget="140 processor seconds", data_sha256="abc")
    path = comparison.write(tmp_path, written)
    assert path == tmp_path / "comparison.json"
    assert comparison.of_content(json.loads(path.read_text())) == written
    # Of a later version, perhaps.
    assert comparison.of_content({**json.loads(path.read_text()), "more": 1}) == written


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": None}, "metric is None; expected a text"),
        ({"larger_is_better": 1}, "expected True or False"),
        ({"rows": {"name": "a"}}, "expected a list"),
        ({"rows": ["a"]}, "expected a mapping"),
        ({"rows": [{"kind": "found", "value": 1.0}]}, "has the name None"),
        ({"rows": [{"name": "a", "value": 1.0}]}, "kind None; expected found or baseline"),
        ({"rows": [{**ROWS[0], "value": float("nan")}]}, "value of the row 'darts-v2'"),
        ({"rows": [{**ROWS[0], "parameters": "many"}]}, "parameters of the row 'darts-v2'"),
        ({"rows": [{**ROWS[0], "seeds": True}]}, "expected a finite number"),
    ],
)
def test_what_is_no_comparison(changed, message):
    with pytest.raises(UserError, match=message):
        make(**changed)
    fields = {"metric": "test_accuracy", "larger_is_better": True, "rows": ROWS, **changed}
    assert comparison.of_content(fields) is None


@pytest.mark.parametrize("content", [None, [], "x", {}, {"rows": []}])
def test_other_files_are_none(content):
    assert comparison.of_content(content) is None
