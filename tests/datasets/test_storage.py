"""Images in a file are the same as in memory: order, batches, splits, statistics, fingerprint."""

import os

import numpy as np
import pytest
from PIL import Image

from darts_tf import datasets
from darts_tf.common.errors import UserError

SIZE = 8


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three unequal classes; files of several sizes."""
    root, random = tmp_path_factory.mktemp("photos"), np.random.RandomState(1)
    for name, count in (("cat", 12), ("dog", 20), ("eel", 8)):
        (root / name).mkdir()
        for number in range(count):
            pixels = random.randint(0, 256, (9 + number % 3, 10, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("darts_tf.datasets.file_reader._BLOCK", 3 * SIZE * SIZE * 3)


@pytest.fixture
def little_memory(monkeypatch, tmp_path):
    monkeypatch.setattr("darts_tf.datasets.source.available_memory", lambda: 10_000)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def load(folder, cache_dir=None, bad=0, **options):
    storage = datasets.Storage(cache_dir, bad)
    return datasets.load(str(folder), image_size=SIZE, storage=storage, **options)


def seen(data, epoch=1):
    """All batches of an epoch of one half of the training images."""
    half, _ = datasets.split(data.train_images, data.train_labels, 0.5, 0)
    augmentation = datasets.Augmentation(crop_padding=1, flip=True)
    options = {"mean": data.mean, "std": data.std, "augmentation": augmentation}
    return list(
        datasets.batches(*half, 4, **options, shuffle=True, seed=3, epoch=epoch).as_numpy_iterator()
    )


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_cache_gives_the_batches_of_memory_bit_by_bit(photos, tmp_path, small_blocks):
    memory, disk = load(photos), load(photos, tmp_path)
    assert isinstance(memory.train_images, np.ndarray)
    assert isinstance(disk.train_images, datasets.StoredImages)
    assert disk.description() == memory.description() and disk.mean == memory.mean
    assert_equal(seen(memory), seen(disk))
    # From the middle of an epoch as an interrupted run goes on.
    half = datasets.split(disk.train_images, disk.train_labels, 0.5, 0)[0]
    options = {"mean": disk.mean, "std": disk.std, "shuffle": True, "seed": 3}
    whole = list(datasets.batches(*half, 4, **options).as_numpy_iterator())
    assert_equal(whole[2:], datasets.batches(*half, 4, **options).skip(2).as_numpy_iterator())


def test_a_cache_is_used_again_and_a_damaged_one_is_not(photos, tmp_path, monkeypatch):
    first = load(photos, tmp_path).description()
    files = sorted(tmp_path.iterdir())
    assert [f.suffix for f in files].count(".npy") == 2
    read = []
    original = datasets.file_reader._read_image
    monkeypatch.setattr(
        datasets.file_reader, "_read_image", lambda *args: read.append(args) or original(*args)
    )
    assert load(photos, tmp_path).description() == first and not read
    damaged = next(f for f in files if f.suffix == ".npy")
    damaged.write_bytes(damaged.read_bytes()[:-5])
    assert load(photos, tmp_path).description() == first and read
    # Another size, and a file that has changed, are other images.
    read.clear()
    load(photos, tmp_path, train_examples=9)
    assert len(read) == 9
    assert sorted(tmp_path.glob(".part*")) == []


def test_a_changed_file_is_decoded_again(photos, tmp_path):
    folder, cache = tmp_path / "photos", tmp_path / "cache"
    os.makedirs(folder / "a"), os.makedirs(folder / "b")
    for number in range(8):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / "ab"[number % 2] / f"{number}.png")
    before = load(folder, cache)
    Image.new("RGB", (8, 8), (99, 0, 0)).save(folder / "a" / "2.png")
    after = load(folder, cache)
    both = [np.append(x.train_images[:], x.test_images[:], 0) for x in (before, after)]
    assert [int((x[:, 0, 0, 0] == 99).sum()) for x in both] == [0, 1]
    assert datasets.fingerprint.difference(before.description(), after.description())


def test_a_folder_is_not_taken_for_another_one_with_files_of_the_same_names_sizes_and_times(
    tmp_path,
):
    for place, first in (("one", 0), ("two", 100)):
        for number in range(8):
            file = tmp_path / place / "ab"[number % 2] / f"{number}.bmp"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (first + number, 0, 0)).save(file)
            os.utime(file, (315532800, 315532800))
    one, two = (load(tmp_path / place, tmp_path / "cache") for place in ("one", "two"))
    assert (two.train_images[:].max(), one.train_images[:].max()) == (
        *(load(tmp_path / place).train_images.max() for place in ("two", "one")),
    )
    assert one.train_images[:].max() < 100 <= two.train_images[:].max()


def test_what_is_too_large_for_memory_is_in_a_file_that_nothing_is_left_of(
    photos, little_memory, tmp_path
):
    memory, disk = load(photos, train_examples=6), load(photos)
    assert isinstance(disk.train_images, datasets.StoredImages)
    assert isinstance(memory.train_images, np.ndarray)
    assert os.listdir(tmp_path) == [] and len(disk.train_images[:]) == 32


def test_no_room_on_the_disk(photos, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="the decoded images take .* 0.0 GB are free in"):
        load(photos, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def damaged(photos, tmp_path):
    """One file without a header, one that ends in the middle."""
    folder = tmp_path / "damaged"
    for file in photos.rglob("*.png"):
        (folder / file.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / file.parent.name / file.name).write_bytes(file.read_bytes())
    (folder / "cat" / "03.png").write_bytes(b"no image")
    for name in ("05", "07"):
        path = folder / "dog" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:200])
    return folder


@pytest.mark.parametrize("limit", [0, 2])
def test_more_bad_images_than_allowed(damaged, limit):
    with pytest.raises(UserError, match=r"cannot read image .*(cat/03|dog/0[57])\.png") as caught:
        load(damaged, bad=limit)
    assert ("--max_bad_images=2" in str(caught.value)) == (limit == 2)


def test_bad_images_are_named_and_left_out(damaged, tmp_path, caplog):
    memory = load(damaged, bad=3)
    assert [os.path.relpath(x, damaged) for x in memory.left_out[:1]] == ["cat/03.png"]
    assert sorted(os.path.basename(x) for x in memory.left_out) == ["03.png", "05.png", "07.png"]
    assert len(caplog.records) == 3 and memory.description()["left_out"] == 3
    count = np.bincount([*memory.train_labels, *memory.test_labels])
    assert count.tolist() == [11, 18, 8]
    assert len(memory.train_images) == len(memory.train_labels)
    for _ in range(2):  # Made, and found again.
        disk = load(damaged, tmp_path / "cache", bad=3)
        assert disk.left_out == memory.left_out and disk.description() == memory.description()
        assert_equal(seen(memory), seen(disk))
    with pytest.raises(UserError, match="--max_bad_images=1"):
        load(damaged, tmp_path / "cache", bad=1)


def test_a_class_without_an_image_that_can_be_read(damaged):
    for number in range(8):
        path = damaged / "eel" / f"{number:02}.png"
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="no image of class 'eel' can be read"):
        load(damaged, bad=20)


def test_examples_of_two_parts(photos):
    data = load(photos, train_examples=0.5, validation_examples=6)
    assert len(data.train_labels) == 16 + 6
    assert np.bincount(data.train_labels).tolist() == [7, 11, 4]
