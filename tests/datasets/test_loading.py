import dataclasses
import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import shard_files
from darts_tf.datasets.shard_files import Features


def test_digits():
    data = datasets.load("digits")
    assert data.image_shape == (8, 8, 1) and data.num_classes == 10 and not data.flip
    assert data.class_names == tuple("0123456789")
    assert len(data.train_labels) == 1438 and len(data.test_labels) == 359
    original = load_digits()
    pixels = np.rint(original.images * 255 / 16 + 1e-6).astype(np.uint8)
    both = np.concatenate([data.train_images, data.test_images])[..., 0]
    labels = np.concatenate([data.train_labels, data.test_labels])
    expected = sorted((int(y), x.tobytes()) for x, y in zip(pixels, original.target, strict=True))
    assert sorted((int(y), x.tobytes()) for x, y in zip(both, labels, strict=True)) == expected
    shares = np.bincount(data.test_labels) / np.bincount(original.target)
    assert abs(shares - 0.2).max() < 0.005
    assert both.min() == 0 and both.max() == 255


def test_names_in_records_are_refused_where_there_are_none(tmp_path):
    (tmp_path / "train.tar").write_bytes(b"")
    for name in ("digits", str(tmp_path), str(tmp_path / "train.tar")):
        with pytest.raises(UserError, match="has no TFRecord file, in which the image is"):
            datasets.load(name, features=Features("x", "image/class/label"))
    assert shard_files.has_records({"train": ["x.tar"], "test": ["x.tfrecord-00000-of-00001"]})


def test_the_test_part_of_digits_does_not_depend_on_the_seed():
    first, second = datasets.load("digits", seed=0), datasets.load("digits", seed=1)
    np.testing.assert_array_equal(first.test_images, second.test_images)
    assert first.test_labels[:8].tolist() == [9, 6, 7, 0, 6, 8, 6, 8]


def test_digits_resized_and_reduced():
    data = datasets.load("digits", train_examples=100, image_size=16, seed=3)
    assert data.image_shape == (16, 16, 1) and len(data.train_labels) == 100
    assert np.bincount(data.train_labels).tolist() == [10] * 10
    assert len(data.test_labels) == 359


def test_normalised_training_images_have_mean_0_and_deviation_1():
    data = datasets.load("digits")
    batches = datasets.batches(
        data.train_images, data.train_labels, 1438, mean=data.mean, std=data.std
    )
    images, _ = next(batches.as_numpy_iterator())
    assert abs(images.mean()) < 1e-4 and abs(images.std() - 1) < 1e-4


def test_flip_can_be_set():
    assert dataclasses.replace(datasets.load("digits"), flip=True).flip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the data set has no name"),
        ("nowhere/pets", "no data set is called 'nowhere/pets' and no such folder"),
        ("./pets", r"data set ./pets does not exist"),
        ("/nowhere/pets.npz", "data set /nowhere/pets.npz does not exist"),
        (__file__, "is neither a folder nor an .npz file"),
        ("digit", "did you mean digits"),
    ],
)
def test_what_is_neither_a_set_nor_a_path(name, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        datasets.load(name, data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_description_survives_a_file(tmp_path):
    data = datasets.load("digits")
    path = tmp_path / "data.json"
    path.write_text(json.dumps(data.description()))
    description = datasets.load_description(path)
    assert description == data.description()
    assert description["image_shape"] == [8, 8, 1] and description["train_examples"] == 1438
    del description["bit_depth"]  # As it was before images with 16 bits a channel were read.
    path.write_text(json.dumps(description))
    assert datasets.load_description(path)["bit_depth"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name is None, expected a JSON str"),
        ({"flip": 1}, "flip is 1, expected a JSON boolean"),
        ({"image_shape": [8, 8]}, r"image_shape is \[8, 8\]"),
        ({"mean": [0.1, 0.2]}, "expected 1 numbers"),
        ({"std": [0.0]}, "expected positive numbers"),
        ({"bit_depth": 9}, "bit_depth is 9, expected null or one of 8, 10, 12, 14, 16"),
    ],
)
def test_a_wrong_description_is_refused(change, message, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps({**datasets.load("digits").description(), **change}))
    with pytest.raises(UserError, match=message):
        datasets.load_description(path)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_description_that_is_no_json_object_is_refused(text, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(text)
    with pytest.raises(UserError, match="data description|does not describe"):
        datasets.load_description(path)
    with pytest.raises(UserError, match="cannot read the data description"):
        datasets.load_description(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a\nb", "c"], r"a class named 'a\\nb': a name must be one line"),
        (["", "c"], "a class named '': a name must be one line"),
        (["caf\udce9", "c"], "which is no text in UTF-8"),
        (["c", "c"], "class_names has a name twice"),
    ],
)
def test_class_names_that_cannot_be_served(names, reason):
    """Said before anything is trained, not when it is exported."""
    images = np.zeros((4, 5, 5, 1), np.uint8)
    with pytest.raises(UserError, match=reason):
        datasets.from_arrays(images, np.arange(4) % 2, class_names=names)


def test_sizes_that_fill_the_memory():
    with pytest.raises(UserError, match="the images after resizing takes? .* GB in memory"):
        datasets.load("digits", image_size=10**6)
