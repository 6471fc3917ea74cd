import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError


def write(path, rows, names="a,b"):
    lines = [",".join(str(x) for x in row) for row in rows]
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def numbers(count=20):
    return [(float(i * i), 100.0 - i) for i in range(count)]


def test_parts_follow_each_other(tmp_path):
    data = datasets.load_series(write(tmp_path / "x.csv", numbers()), window=3, horizon=2)
    assert (data.name, data.columns, data.bounds) == ("x", ("a", "b"), (12, 16))
    assert (data.train, data.validation, data.test) == (range(4, 12), range(12, 16), range(16, 20))
    assert data.targets(data.test)[:, 1].tolist() == [84, 83, 82, 81]
    assert data.last_values(data.test)[:, 1].tolist() == [86, 85, 84, 83]


def test_the_scaling_is_of_the_training_part_alone(tmp_path):
    rows = numbers()
    data = datasets.load_series(write(tmp_path / "x.csv", rows), window=3, horizon=2)
    scaling = data.scaling
    assert scaling.center == pytest.approx(np.mean(rows[:12], axis=0))
    assert scaling.deviation == pytest.approx(np.std(rows[:12], axis=0))
    # i^2 - (i - 2)^2 = 4 i - 4, i from 2 to 11.
    assert scaling.change[0] == pytest.approx(
        np.sqrt(np.mean([(4 * i - 4) ** 2 for i in range(2, 12)]))
    )
    assert scaling.change[1] == pytest.approx(2) and data.change == pytest.approx(scaling.change)
    others = [*rows[:12], *((7.0, 9.0 * i) for i in range(8))]
    assert (
        datasets.load_series(write(tmp_path / "y.csv", others), window=3, horizon=2).scaling
        == scaling
    )


def test_log_returns(tmp_path):
    rows = [(2.0**i, 3.0 ** (i % 2)) for i in range(20)]
    path = write(tmp_path / "x.csv", rows)
    data = datasets.load_series(path, window=3, horizon=3, transform="log_returns")
    assert data.scaling.center[0] == pytest.approx(np.log(2))
    assert data.scaling.change == pytest.approx((3 * np.log(2), np.log(3)))
    # What is measured is the numbers themselves.
    assert data.change[1] == pytest.approx(2)


def test_a_period_as_long_as_the_horizon(tmp_path):
    data = datasets.load_series(
        write(tmp_path / "x.csv", [(i % 2, i) for i in range(20)]), window=3, horizon=2
    )
    assert data.scaling.change == pytest.approx((0.5, 2))


def test_the_embedded_series():
    data = datasets.load_series("goog")
    assert data.columns == ("open", "high", "low", "close") and data.values.shape == (1047, 4)
    assert data.values[0].tolist() == [100, 104.06, 95.96, 100.34]
    assert str(data.times[0])[:10] == "2004-08-19" and data.bounds == (628, 837)


def test_columns_and_missing_values(tmp_path):
    rows = numbers()
    rows[5] = ("", rows[5][1])
    path = write(tmp_path / "x.csv", rows)
    with pytest.raises(UserError, match="line 7, column 'a': the value is missing.*ffill"):
        datasets.load_series(path, window=3)
    assert datasets.load_series(path, window=3, missing="ffill").values[5, 0] == 16
    data = datasets.load_series(path, window=3, columns=["b"])
    assert data.columns == ("b",) and data.values.shape == (20, 1)
    path = write(tmp_path / "x.csv", [("", 1), *numbers()])
    with pytest.raises(UserError, match="line 2, column 'a': the first value is missing"):
        datasets.load_series(path, window=3, missing="ffill")


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (numbers(), {"window": 0}, "the window is 0; it must be 1 or more"),
        (numbers(), {"horizon": 0}, "the horizon is 0"),
        (numbers(), {"window": 12}, "has 12 of 20 rows.*need 13"),
        (numbers(3), {"window": 1, "portions": (0.7, 0.1, 0.2)}, "the validation part.*is empty"),
        (numbers(), {"portions": (0.5, 0.5)}, "expected three numbers"),
        (numbers(), {"portions": (0.9, 0.2, -0.1)}, "expected three numbers"),
        (numbers(), {"columns": ["c"]}, "has no column 'c'; its columns are 'a', 'b'"),
        (numbers(), {"columns": ["a", "a"]}, "asked for twice"),
        (numbers(), {"missing": "zero"}, "unknown treatment of missing values 'zero'"),
        (numbers(), {"transform": "log"}, "unknown transform of a series 'log'"),
        (numbers(), {"transform": "log_returns"}, "line 2, column 'a': 0 has no logarithm"),
        (numbers(), {"transform": "log_returns", "window": 1}, "a window of 2 or more"),
        ([(1.0, i) for i in range(20)], {}, "column 'a' of x is 1 in all 12 rows"),
        ([(1e9 + i, i) for i in range(20)], {}, "column 'a' of x has values such as 1e\\+09"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, options, message):
    with pytest.raises(UserError, match=message):
        datasets.load_series(write(tmp_path / "x.csv", rows), **{"window": 3, **options})


def test_no_series(tmp_path):
    with pytest.raises(UserError, match="no series is called 'nothing.csv'.*give 'goog'"):
        datasets.load_series("nothing.csv")
    with pytest.raises(UserError, match="is a folder"):
        datasets.load_series(tmp_path)
    with pytest.raises(UserError, match="has no name"):
        datasets.load_series("")
