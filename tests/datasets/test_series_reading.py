import gzip

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets.series_reading import read_table


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "date,a,b\n2004-08-19,1,2.5\n2004-08-20,-3e1,4\n",
        "date;a;b\n2004-08-19;1;2.5\n\n2004-08-20; -3e1;4\n",
        'date\ta\tb\n"2004-08-19"\t1\t2.5\n2004-08-20\t-3e1\t4',
        "\ufeffdate,a,b\r\n2004-08-19,1,2.5\r\n2004-08-20,-3e1,4\r\n",
    ],
)
def test_names_and_dates(tmp_path, content):
    table = read_table(write(tmp_path / "x.csv", content))
    assert table.columns == ("a", "b")
    assert table.values.tolist() == [[1, 2.5], [-30, 4]]
    assert table.times.tolist() == np.array(["2004-08-19", "2004-08-20"], "M8[us]").tolist()


@pytest.mark.parametrize("content", ["1,2\n3,4\n", "1 2\n 3   4\n"])
def test_numbers_alone(tmp_path, content):
    path = write(tmp_path / "x.txt.gz", gzip.compress(content.encode()))
    table = read_table(path)
    assert table.columns == ("1", "2") and table.times is None
    assert table.values.tolist() == [[1, 2], [3, 4]] and table.lines.tolist() == [1, 2]


def test_dates_without_names_and_numbers_as_names(tmp_path):
    table = read_table(write(tmp_path / "x.csv", "2004-08-19T16:00,1,2\n2004-08-19T17:00,3,4\n"))
    assert table.columns == ("2", "3") and table.values.shape == (2, 2)
    table = read_table(write(tmp_path / "x.csv", "date,0,1\n2004-08-19,1,2\n"))
    assert table.columns == ("0", "1") and table.values.tolist() == [[1, 2]]


def test_times_of_other_kinds(tmp_path):
    table = read_table(write(tmp_path / "x.csv", "year,a\n1990,1\n1991.5,2\n"))
    assert table.columns == ("a",) and table.times.tolist() == [1990, 1991.5]
    table = read_table(write(tmp_path / "x.csv", "a,day\n1,7\n2,9\n"), time_column="day")
    assert table.columns == ("a",) and table.times.tolist() == [7, 9]
    zoned = "t,a\n2004-08-19T16:00+02:00,1\n2004-08-19T14:30Z,2\n"
    table = read_table(write(tmp_path / "x.csv", zoned), time_column="t")
    assert str(table.times[0]) == "2004-08-19T14:00:00.000000"


@pytest.mark.parametrize("cell", ["", "NA", "nan", "null", " "])
def test_missing_values_are_not_numbers(tmp_path, cell):
    table = read_table(write(tmp_path / "x.csv", f"a,b\n1,2\n{cell},4\n"))
    assert np.isnan(table.values[1, 0]) and table.values[1, 1] == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "a line of names and no numbers"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells, but there are 2 columns"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cells"),
        ("a,b\n1,2\n3,four\n", "line 3, column 'b': 'four' is no number"),
        ("a,b\n1,2\n3,inf\n", "line 3, column 'b': 'inf' is infinite"),
        ("a,b\n1,2\n3,-1e999\n", "line 3, column 'b': '-1e999' is infinite"),
        ("a,b\n1,2004-08-19\n", "column 'b': '2004-08-19' is no number.*column of times"),
        ("a;b\n1;2,5\n", "line 2, column 'b': '2,5' is no number.*decimal point"),
        ("a,a\n1,2\n", "several columns 'a'"),
        ("date,a\n2004-08-20,1\n2004-08-19,2\n", "line 3, column 'date'.*earlier.*sort"),
        ("date,a\n2004-08-20,1\n2004-08-20,2\n", "line 3, column 'date'.*again"),
        ("date,a\n2004-08-20,1\n21.8.2004,2\n", "line 3, column 'date'.*expected a date as"),
        ("year,a\n1990,1\nnan,2\n", "line 3, column 'year'.*expected a number"),
        ("2004-08-20\n2004-08-21\n", "no columns but that of the times"),
        ('a,b\n1,"2\n', "unexpected end of data"),
        (b"a,b\n1,\xff\n", "no text in UTF-8"),
        (b"\x1f\x8b damaged", "gzip cannot unpack it"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_table(write(tmp_path / "x.csv", content))


def test_a_column_of_times_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no column 'when' for the times; its columns are 'a'"):
        read_table(write(tmp_path / "x.csv", "a\n1\n"), time_column="when")


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot read the series"):
        read_table(tmp_path / "x.csv")
