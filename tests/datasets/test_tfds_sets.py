import os
import pathlib
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files

SHARED = pathlib.Path(__file__).parents[2].parent / "shared" / "data" / "tfds"
needs_cifar10 = pytest.mark.skipif(
    not (SHARED / "cifar10").is_dir(), reason=f"CIFAR-10 is not prepared in {SHARED}"
)
IMAGES = np.random.RandomState(0).randint(0, 256, (30, 6, 6, 3)).astype(np.uint8)
LABELS = np.arange(30) % 3


def prepare(data_dir, name, images=IMAGES, shape=(6, 6, 3), parts=("train", "test"), **features):
    """Stores a small data set in the format of TensorFlow Datasets."""
    features = features or {
        "image": tfds.features.Image(shape=shape, encoding_format="png"),
        "label": tfds.features.ClassLabel(names=["red", "green", "blue"]),
    }
    values = {"image": images, "label": LABELS}
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={
            part: [
                (number, {key: values[key][number] for key in features})
                for number in range(len(LABELS) if part == "train" else 6)
            ]
            for part in parts
        },
        data_dir=data_dir,
    )
    return str(data_dir)


def as_set(images, labels):
    return sorted(
        (int(label), image.tobytes()) for image, label in zip(images, labels, strict=True)
    )


def test_a_prepared_set_is_read_as_it_was_stored(tmp_path):
    data = datasets.load("shapes", data_dir=prepare(tmp_path, "shapes"))
    assert data.name == "shapes" and data.class_names == ("red", "green", "blue")
    assert data.version == "1.0.0" and data.description()["fingerprint"]["version"] == "1.0.0"
    assert as_set(data.train_images, data.train_labels) == as_set(IMAGES, LABELS)
    assert as_set(data.test_images, data.test_labels) == as_set(IMAGES[:6], LABELS[:6])
    np.testing.assert_allclose(data.mean, (IMAGES / 255).mean(axis=(0, 1, 2)), rtol=1e-9)


def test_two_readings_are_equal_and_write_nothing(tmp_path):
    prepare(tmp_path, "shapes")
    before = sorted(tmp_path.rglob("*"))
    first, second = (datasets.load("shapes", data_dir=tmp_path) for _ in range(2))
    np.testing.assert_array_equal(first.train_images, second.train_images)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cache_holds_the_images_that_are_wanted(tmp_path):
    prepare(tmp_path, "shapes")
    options = {"data_dir": tmp_path, "train_examples": 12, "image_size": (4, 5), "seed": 2}
    memory = datasets.load("shapes", **options)
    storage = datasets.Storage(tmp_path / "cache")
    for _ in range(2):  # Made, and found again.
        disk = datasets.load("shapes", **options, storage=storage)
        assert disk.train_images.shape == (12, 4, 5, 3)
        np.testing.assert_array_equal(disk.train_images[:], memory.train_images)
        assert disk.description() == memory.description()
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2


def test_validation_serves_where_there_is_no_test_part(tmp_path):
    prepare(tmp_path, "shapes", parts=("train", "validation"))
    assert len(datasets.load("shapes", data_dir=tmp_path).test_labels) == 6


def test_a_fifth_is_held_out_where_there_is_only_a_train_part(tmp_path):
    prepare(tmp_path, "shapes", parts=("train",))
    data = datasets.load("shapes", data_dir=tmp_path)
    assert np.bincount(data.train_labels).tolist() == [8, 8, 8]
    assert np.bincount(data.test_labels).tolist() == [2, 2, 2]


def test_images_of_any_size_need_an_image_size(tmp_path):
    images = [np.full((5 + number, 6, 3), number, np.uint8) for number in range(30)]
    prepare(tmp_path, "shapes", images=images, shape=(None, None, 3))
    with pytest.raises(UserError, match="differ in size: give --image_size"):
        datasets.load("shapes", data_dir=tmp_path)
    data = datasets.load("shapes", data_dir=tmp_path, image_size=8)
    assert data.image_shape == (8, 8, 3)
    assert sorted(data.train_images[:, 0, 0, 0]) == list(range(30))


@pytest.mark.parametrize("channels", [1, 3])
def test_jpegs_are_decoded_as_those_of_a_folder(tmp_path, channels):
    image = tfds.features.Image(shape=(12, 12, channels), encoding_format="jpeg")
    label = tfds.features.ClassLabel(num_classes=3)
    images = np.tile(IMAGES[..., :channels], (1, 2, 2, 1))
    prepare(tmp_path, "photos", images=images, image=image, label=label)
    builder = tfds.builder_from_directory(tmp_path / "photos" / "1.0.0")
    stored = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    files = [example["image"] for example in tfds.as_numpy(stored)]
    expected = [image_files.read(file, (12, 12, channels)).tobytes() for file in files]
    data = datasets.load("photos", data_dir=tmp_path)
    assert data.image_shape == (12, 12, channels)
    assert sorted(found.tobytes() for found in data.train_images) == sorted(expected)


@pytest.mark.parametrize(
    "name, photos",
    [("shapes", False), ("my_mnist", False), ("svhn_tiny", False), ("cats_vs_dogs", True)],
)
def test_only_known_sets_of_photos_are_mirrored_and_cut(tmp_path, name, photos):
    data = datasets.load(name, data_dir=prepare(tmp_path, name))
    assert data.flip == data.cutout == photos


def test_a_set_without_images_is_refused(tmp_path):
    prepare(tmp_path, "numbers", label=tfds.features.ClassLabel(num_classes=3))
    with pytest.raises(UserError, match="'numbers' has 0 image and 1 class-label features"):
        datasets.load("numbers", data_dir=tmp_path)


def test_a_set_without_a_train_part_is_refused(tmp_path):
    prepare(tmp_path, "shapes", parts=("test",))
    with pytest.raises(UserError, match=r"no part called train \(it has test\)"):
        datasets.load("shapes", data_dir=tmp_path)


def test_a_damaged_set_is_refused(tmp_path):
    prepare(tmp_path, "shapes")
    (file,) = tmp_path.rglob("*-train.tfrecord*")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(UserError, match="'shapes' in .* cannot be read: it is damaged"):
        datasets.load("shapes", data_dir=tmp_path)


def test_a_configuration_must_be_chosen_among_several(tmp_path):
    for config in ("large", "small"):
        folder = tmp_path / "letters" / config / "1.0.0"
        folder.mkdir(parents=True)
        (folder / "dataset_info.json").write_text("{}")
    with pytest.raises(UserError, match=r"\(large, small\): choose one, such as letters/large"):
        datasets.load("letters", data_dir=tmp_path)


def test_the_newest_version_is_the_default(tmp_path):
    for version in ("1.10.0", "1.9.0"):
        folder = tmp_path / "letters" / version
        folder.mkdir(parents=True)
        (folder / "dataset_info.json").write_text("{}")
    found = datasets.tfds_sets.directory("letters", str(tmp_path))
    assert os.path.basename(found) == "1.10.0"
    found = datasets.tfds_sets.directory("letters:1.9.0", str(tmp_path))
    assert os.path.basename(found) == "1.9.0"
    assert datasets.tfds_sets.directory("letters:2.0.0", str(tmp_path)) is None


def test_a_missing_set_fails_at_once_and_says_what_to_do(tmp_path):
    prepare(tmp_path, "shapes")
    start = time.monotonic()
    with pytest.raises(UserError) as caught:
        datasets.load("cifar100", data_dir=tmp_path)
    assert time.monotonic() - start < 5  # A try at the network takes minutes.
    message = str(caught.value)
    assert f"'cifar100' is not prepared in {tmp_path} (prepared there: shapes)" in message
    assert "tfds.load('cifar100', data_dir='FOLDER')" in message and "--data_dir" in message
    assert "\n" not in message


def test_a_data_dir_that_does_not_exist(tmp_path):
    with pytest.raises(UserError, match="prepared there: no such folder"):
        datasets.load("cifar100", data_dir=tmp_path / "nowhere")


def test_a_name_that_nobody_knows(tmp_path):
    with pytest.raises(UserError, match="no data set is called 'cifer10' .*did you mean cifar10"):
        datasets.load("cifer10", data_dir=tmp_path)


@needs_cifar10
def test_cifar10():
    start = time.monotonic()
    data = datasets.load("cifar10", data_dir=SHARED, train_examples=5000)
    assert time.monotonic() - start < 60
    assert data.image_shape == (32, 32, 3) and data.flip
    assert np.bincount(data.train_labels).tolist() == [500] * 10
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    assert data.class_names[:3] == ("airplane", "automobile", "bird")
    assert data.mean == (0.49139968, 0.48215827, 0.44653124)
    assert data.std == (0.24703233, 0.24348505, 0.26158768)
    # The published statistics are those of the original pixels, nearly.
    np.testing.assert_allclose((data.train_images / 255).mean(axis=(0, 1, 2)), data.mean, atol=0.01)


@needs_cifar10
def test_text_is_no_image_set():
    with pytest.raises(UserError, match="0 image and 0 class-label features"):
        datasets.load("tiny_shakespeare", data_dir=SHARED)


def test_the_network_is_used_only_when_asked_for(tmp_path, monkeypatch):
    asked = []

    def download(name, data_dir):
        asked.append(name)
        prepare(data_dir, name)

    monkeypatch.setattr(datasets.tfds_sets, "download", download)
    with pytest.raises(UserError, match="'cifar100' is not prepared"):
        datasets.load("cifar100", data_dir=tmp_path)
    assert asked == []
    assert len(datasets.load("cifar100", data_dir=tmp_path, download=True).train_labels) == 30
    assert asked == ["cifar100"]
