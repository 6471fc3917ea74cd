import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets import label_files


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode())
        return path

    return written


def test_names_in_one_column(write):
    path = write('\ufefffile,labels\r\na.png,"sea;  sky"\nb.png,\n\nc.png,"sky, tree|sea"\n')
    found = label_files.read(path, "labels")
    assert found.files == ["a.png", "b.png", "c.png"] and found.splits is None
    assert found.names == ("sea", "sky", "tree")
    np.testing.assert_array_equal(found.values, [[1, 1, 0], [0, 0, 0], [1, 1, 1]])
    assert found.values.dtype == np.int32
    assert label_files.files_of(path) == found.files


def test_a_column_for_each_label(write):
    path = write("image\tsea\tsky\tSplit\n1.jpg\t1\t0\ttrain\n2.jpg\ttrue\tNo\tval\n")
    found = label_files.read(path, "labels")
    assert found.names == ("sea", "sky") and found.splits == ["train", "val"]
    np.testing.assert_array_equal(found.values, [[1, 0], [1, 0]])
    assert label_files.read(path, "labels", ["sky"]).values.tolist() == [[0], [0]]


def test_numbers(write):
    path = write("file;age;height\na.png;3.5;-1e2\nb.png;4;7\n")
    found = label_files.read(path, "numbers")
    assert found.names == ("age", "height")
    np.testing.assert_array_equal(found.values, [[3.5, -100], [4, 7]])
    swapped = label_files.read(path, "numbers", ["height", "age"])
    np.testing.assert_array_equal(swapped.values, found.values[:, ::-1])


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("file,age\na.png,old\n", "numbers", "line 2, column 'age': 'old' is no finite number"),
        ("file,age\na.png,1\nb.png,nan\n", "numbers", "line 3, column 'age': 'nan' is no finite"),
        ("file,age\na.png,\n", "numbers", "line 2, column 'age': '' is no finite"),
        ("file,sea,sky\na.png,1,2\n", "labels", "line 2, column 'sky': '2' is neither 0 nor 1"),
        ("file,age\na.png,1,2\n", "numbers", "line 2 has 3 cells, but there are 2 columns"),
        ("file,age\na.png,1\na.png,2\n", "numbers", "'a.png' in line 2 and in line 3"),
        ("file,age\n,1\n", "numbers", "line 2 names no file"),
        ("file,age\n", "numbers", "has no line of an image"),
        ("file\na.png\n", "labels", "expected the files' names first"),
        ("file,split\na.png,train\n", "labels", "expected the files' names first"),
        ("file,labels\na.png,;\n", "labels", "no image has a label"),
        ("file,a,A\na.png,1,1\n", "labels", "two columns of the same name"),
    ],
)
def test_lines_that_are_wrong(write, text, kind, message):
    with pytest.raises(UserError, match=message):
        label_files.read(write(text), kind)


def test_columns_that_are_missing(write):
    path = write("file,age,split\na.png,1,train\n")
    for name in ("size", "split", "file"):
        with pytest.raises(UserError, match=f"has no column '{name}'; it has age, split"):
            label_files.read(path, "numbers", [name])
    with pytest.raises(UserError, match="cannot read the text"):
        label_files.read(path.with_name("none.csv"), "labels")
