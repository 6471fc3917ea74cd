"""Test images of which an evaluation sees the middle."""

import json

import numpy as np
import pytest
from PIL import Image

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint, image_files

SIZE = (16, 16)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            place = tmp_path / "photos" / split / name
            place.mkdir(parents=True)
            for number in range(6):
                pixels = random.integers(0, 256, (40, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return tmp_path / "photos"


def test_what_is_tested_is_cropped_and_what_trains_is_not(folder, tmp_path):
    whole = datasets.load(str(folder), image_size=16)
    options = {"image_size": 16, "evaluation_crop": 0.875}
    cropped = datasets.load(str(folder), **options)
    np.testing.assert_array_equal(cropped.train_images, whole.train_images)
    # Held out from the training images, and still cropped.
    assert len(cropped.test_images) == 2 and not np.array_equal(
        cropped.test_images, whole.test_images
    )
    file = folder / "val" / "cat" / "0.png"
    expected = image_files.read(file.read_bytes(), (*SIZE, 3), crop=0.875)
    np.testing.assert_array_equal(cropped.validation_images[0], expected)
    assert cropped.description()["evaluation_crop"] == 0.875
    for _ in range(2):
        stored = datasets.load(str(folder), storage=datasets.Storage(tmp_path / "cache"), **options)
        np.testing.assert_array_equal(stored.test_images[:], cropped.test_images)
    again = datasets.load(str(folder), image_size=16, storage=datasets.Storage(tmp_path / "cache"))
    np.testing.assert_array_equal(again.test_images[:], whole.test_images)


def test_the_data_of_a_search_are_the_same(folder):
    """A training sees less of the test images than the search whose cell it trains."""
    before = datasets.load(str(folder), image_size=16).description()
    now = datasets.load(str(folder), image_size=16, evaluation_crop=0.5).description()
    assert fingerprint.difference(before, now) is None
    other = {**now, "fingerprint": {**now["fingerprint"], "train_images": "another"}}
    assert "the training images" in fingerprint.difference(before, other)


def test_the_description_of_a_run(folder, tmp_path):
    data = datasets.load(str(folder), image_size=16, evaluation_crop=0.5)
    (tmp_path / "data.json").write_text(json.dumps(data.description()))
    assert datasets.load_description(tmp_path / "data.json") == data.description()
    (tmp_path / "data.json").write_text(json.dumps({**data.description(), "evaluation_crop": 2}))
    with pytest.raises(UserError, match="evaluation_crop is 2, expected null or a number"):
        datasets.load_description(tmp_path / "data.json")


def test_crops_without_meaning(folder):
    with pytest.raises(UserError, match="the evaluation crop is 1.5: give a share above 0 up to 1"):
        datasets.load(str(folder), image_size=16, evaluation_crop=1.5)
    with pytest.raises(UserError, match="an evaluation crop is for image files"):
        datasets.load("digits", evaluation_crop=0.875)
