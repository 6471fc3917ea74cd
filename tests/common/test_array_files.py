import numpy as np
import pytest

from darts_tf.common import array_files
from darts_tf.common.errors import UserError


def test_what_is_written_is_read_in_its_order(tmp_path):
    arrays = [np.full(3, i, np.float32) for i in range(12)]
    array_files.write(tmp_path / "file.npz", arrays)
    found = list(array_files.read(tmp_path / "file.npz").values())
    np.testing.assert_array_equal(found, arrays)
    assert found[0].dtype == np.float32


@pytest.mark.parametrize("kept", [0, 10, -1, -40, 200])
def test_a_file_that_is_cut_off(tmp_path, kept):
    path = tmp_path / "file.npz"
    array_files.write(path, [np.arange(100.0)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match="cannot read .*file.npz, it is missing or damaged: "):
        array_files.read(path)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_no_file(tmp_path, make):
    make(tmp_path / "file.npz")
    with pytest.raises(UserError, match="cannot read .*file.npz, it is missing or damaged: "):
        array_files.read(tmp_path / "file.npz")


@pytest.mark.parametrize(
    ("after", "place", "bit", "message"),
    [
        (b"PK\3\4", 300, 1, "Bad CRC-32"),
        # In the list of files at the end: the version that is needed, flags.
        (b"PK\1\2", 6, 64, "zip file version"),
        (b"PK\1\2", 8, 1, "is encrypted"),
    ],
)
def test_changed_bytes(tmp_path, after, place, bit, message):
    path = tmp_path / "file.npz"
    array_files.write(path, [np.arange(100.0)])
    content = bytearray(path.read_bytes())
    content[content.index(after) + place] ^= bit
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"damaged: .*{message}"):
        array_files.read(path)
