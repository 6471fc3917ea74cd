import dataclasses
import hashlib
import json
import os
import time

import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.datasets import fingerprint

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (20, 5, 6, 3)).astype(np.uint8)
Y = (np.arange(20) % 2).astype(np.int32)
NAMES = ["cat", "dog"]


def make(x=X, y=Y, x_test=X[:6], y_test=Y[:6], class_names=NAMES, name="pets", **kwargs):
    return datasets.from_arrays(x, y, x_test, y_test, class_names, name=name, **kwargs)


def swapped(array, first=0, second=1):
    array = array.copy()
    array[[first, second]] = array[[second, first]]
    return array


def changed(array):
    array = array.copy()
    array[3, 2, 1, 0] ^= 1
    return array


BEFORE = make().description()


def test_hashes_tell_single_pixels_and_labels():
    assert fingerprint.fingerprint(make()) == fingerprint.fingerprint(make(name="moved"))
    for part, what in {
        "train_images": make(x=changed(X)),
        "train_labels": make(y=swapped(Y)),
        "test_images": make(x_test=changed(X[:6])),
        "test_labels": make(y_test=swapped(Y[:6])),
    }.items():
        before, now = fingerprint.fingerprint(make()), fingerprint.fingerprint(what)
        assert {key for key in before if before[key] != now[key]} == {part}


def test_hashes_are_what_they_were():
    """Run folders keep them for years."""
    found = fingerprint.fingerprint(make())
    images, labels = b"|u1 [20, 5, 6, 3] " + X.tobytes(), b"<i4 [20] " + Y.tobytes()
    assert found["train_images"] == hashlib.sha256(images).hexdigest()
    assert found["train_labels"] == hashlib.sha256(labels).hexdigest()


def test_a_digest_is_of_all_that_a_trained_network_depends_on():
    digests = {
        fingerprint.digest(what)
        for what in (
            BEFORE,
            make(class_names=["dog", "cat"]).description(),
            make(x=changed(X)).description(),
            {**BEFORE, "mean": [0.5] * 3},
            {**BEFORE, "bit_depth": 12},
            {key: value for key, value in BEFORE.items() if key != "fingerprint"},
        )
    }
    assert len(digests) == 6
    again = json.loads(json.dumps(make(name="moved").description()))
    assert fingerprint.digest(again) == fingerprint.digest(BEFORE)


def test_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"table")
    os.mkfifo(tmp_path / "pipe")
    expected = hashlib.sha256(b"table").hexdigest()
    assert fingerprint.hash_file(tmp_path / "file") == expected
    # A pipe would let it wait for ever.
    for name in ("pipe", "missing", "."):
        assert fingerprint.hash_file(tmp_path / name) is None


def test_neither_memory_layout_nor_byte_order_matters():
    data = make()
    other = dataclasses.replace(
        data,
        train_images=np.asfortranarray(data.train_images),
        train_labels=data.train_labels.astype(">i4"),
    )
    assert fingerprint.fingerprint(other) == fingerprint.fingerprint(data)


def test_shape_and_type_are_hashed_too():
    data = make()
    reshaped = dataclasses.replace(data, train_images=data.train_images.reshape(20, 6, 5, 3))
    retyped = dataclasses.replace(data, train_images=data.train_images.view(np.int8))
    hashes = {fingerprint.fingerprint(d)["train_images"] for d in (data, reshaped, retyped)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    "now, reason",
    [
        (make(class_names=["cat", "fox"]), "class 1 was 'dog' and is now 'fox'"),
        (make(y=1 - Y, y_test=1 - Y[:6], class_names=["dog", "cat"]), "class 0 was 'cat' and"),
        (make(y=np.arange(20) % 4, class_names=list("abcd")), "there were 2 classes and are now 4"),
        (make(image_size=7), "the images' size was 5x6x3 and is now 7x7x3"),
        (make(x=X[:18], y=Y[:18]), "the number of training images was 20 and is now 18"),
        (make(x_test=X[:4], y_test=Y[:4]), "the number of test images was 6 and is now 4"),
        (make(x=changed(X)), "the training images, or their order, are other ones now"),
        (make(y=swapped(Y)), "the labels of the training images, or their order, are other"),
        (make(x_test=changed(X[:6])), "the test images, or their order, are other ones now"),
        (
            dataclasses.replace(make(x=changed(X)), version="2.0.0"),
            "are other ones now (the data set's version was None and is now 2.0.0)",
        ),
    ],
)
def test_a_difference_is_named(now, reason):
    assert reason in fingerprint.difference(BEFORE, now.description())


@pytest.mark.parametrize(
    "now", [make(), make(name="moved"), dataclasses.replace(make(), flip=True, version="2.0.0")]
)
def test_the_same_data(now):
    assert fingerprint.difference(BEFORE, now.description()) is None


class TestWithoutAFingerprint:
    """As earlier versions described data."""

    BEFORE = {key: value for key, value in BEFORE.items() if key != "fingerprint"}

    def test_mean_and_deviation_are_compared(self):
        assert fingerprint.difference(self.BEFORE, make().description()) is None
        brighter = make(x=np.where(X < 255, X + 1, X).astype(np.uint8)).description()
        assert "the mean of the pixels was 0." in fingerprint.difference(self.BEFORE, brighter)
        rounded = {**self.BEFORE, "mean": [value + 1e-9 for value in self.BEFORE["mean"]]}
        assert fingerprint.difference(rounded, make().description()) is None

    def test_classes_and_counts_are_compared(self):
        now = make(class_names=["cat", "fox"]).description()
        assert "class 1 was" in fingerprint.difference(self.BEFORE, now)


def test_a_hundred_megabytes_take_less_than_a_second():
    images = np.zeros((1000, 183, 183, 3), np.uint8)
    data = datasets.ImageData(
        *("big", images, np.zeros(1000, np.int32), images[:1], np.zeros(1, np.int32)),
        *(("a",), (0.0,) * 3, (1.0,) * 3, False),
    )
    started = time.process_time()
    fingerprint.fingerprint(data)
    assert time.process_time() - started < 1
