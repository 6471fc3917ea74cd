import numpy as np
import pytest

from darts_tf.datasets.fingerprint import hash_array
from darts_tf.datasets.stored_images import StoredImages

IMAGES = np.random.RandomState(0).randint(0, 256, (50, 6, 5, 3)).astype(np.uint8)


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    images = StoredImages(path)
    path.unlink()
    return images


def test_it_is_as_an_array(stored):
    assert (stored.shape, len(stored), stored.ndim) == (IMAGES.shape, 50, 4)
    assert stored.dtype == np.uint8 and stored.nbytes == IMAGES.nbytes
    np.testing.assert_array_equal(np.asarray(stored), IMAGES)


@pytest.mark.parametrize(
    "key",
    [3, -1, slice(4, 9), slice(9, 2, -2), slice(7, 7), [4, 5, 6, 1, 1, 49], np.arange(50) % 3 == 0],
    ids=str,
)
def test_rows(stored, key):
    found = stored[np.array(key) if isinstance(key, list) else key]
    np.testing.assert_array_equal(found, IMAGES[key])


def test_some_rows_of_some_rows(stored):
    rows = np.array([40, 2, 3, 4, 9])
    chosen = stored.select(rows)
    np.testing.assert_array_equal(chosen[np.array([1, 4])], IMAGES[[2, 9]])
    np.testing.assert_array_equal(chosen.select(np.array([3, 0]))[:], IMAGES[[4, 40]])


def test_blocks_are_small_and_hashed_as_the_array_is(stored, monkeypatch):
    monkeypatch.setattr("darts_tf.datasets.stored_images._BLOCK", 1000)
    sizes = [len(block) for block in stored.blocks()]
    assert sizes == [11, 11, 11, 11, 6]
    assert hash_array(stored) == hash_array(IMAGES) == stored.sha256
    assert hash_array(stored.select(np.arange(9))) == hash_array(IMAGES[:9])


def test_files_that_hold_no_images(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off"):
        StoredImages(path)
    np.save(path, IMAGES.astype(np.int32))
    with pytest.raises(ValueError, match="int32"):
        StoredImages(path)
