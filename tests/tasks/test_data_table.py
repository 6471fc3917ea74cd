"""The tables of docs/given_data.md, row by row: what is given, and what happens."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.tasks import data_check, streams

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "given_data.md"
CLASSES = 3
IMAGES = np.random.default_rng(0).normal(size=(6, 4, 4, 1)).astype("float32")
LABELS = np.array([0, 1, 2, 2, 1, 0])
ONE_HOT = np.eye(CLASSES)[LABELS]
SOFT = 0.7 * ONE_HOT + 0.1


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(6)


def nan(values):
    return np.where(np.arange(values.size).reshape(values.shape) == 1, np.nan, values)


WORKS = {
    "images float32 in batches, integer labels `[batch]`": [batches(IMAGES, LABELS)],
    "labels `[batch, 1]`, as `keras.datasets` has them": [batches(IMAGES, LABELS[:, None])],
    "one-hot labels `[batch, classes]`, of integers or floats": [
        batches(IMAGES, ONE_HOT),
        batches(IMAGES, ONE_HOT.astype(int)),
    ],
    "soft labels, as MixUp makes them": [batches(IMAGES, SOFT)],
    "`(images, labels, weights)`": [batches(IMAGES, LABELS, np.arange(6))],
    "uint8 or uint16 images": [
        batches((100 * abs(IMAGES)).astype(kind), LABELS) for kind in ("uint8", "uint16")
    ],
    "floats from 0 to 255": [batches(200 * abs(IMAGES), LABELS)],
    "float64 images": [batches(IMAGES.astype(float), LABELS)],
    "NumPy arrays `(images, labels)`, perhaps with weights": [
        (IMAGES, LABELS),
        (IMAGES, ONE_HOT, np.ones(6)),
    ],
}
REFUSED = {
    "single examples, without `.batch`": batches(IMAGES, LABELS).unbatch(),
    "single examples with one-hot labels": batches(IMAGES, ONE_HOT).unbatch(),
    "batched twice": batches(IMAGES, LABELS).batch(1),
    "no axis of channels": batches(IMAGES[..., 0], LABELS),
    "channels first": batches(np.moveaxis(IMAGES, -1, 1), LABELS),
    "images of another size": batches(np.zeros((6, 5, 5, 1)), LABELS),
    "int64 images": batches(IMAGES.astype("int64"), LABELS),
    "names of files": batches(np.array(["a.png"] * 6), LABELS),
    "a RaggedTensor": tf.data.Dataset.from_tensors((tf.ragged.constant([[1.0], [2.0, 3.0]]), 0)),
    "NaN or infinite pixels": batches(nan(IMAGES), LABELS),
    "dictionaries, as TensorFlow Datasets has them": tf.data.Dataset.from_tensor_slices(
        {"image": IMAGES, "label": LABELS}
    ).batch(6),
    "images without labels": tf.data.Dataset.from_tensor_slices(IMAGES).batch(6),
    "four parts": batches(IMAGES, LABELS, LABELS, LABELS),
    "labels as strings": batches(IMAGES, LABELS.astype(str)),
    "labels from 1 to 3": batches(IMAGES, LABELS + 1),
    "a label of -1": batches(IMAGES, np.where(LABELS == 1, -1, LABELS)),
    "one-hot labels of four classes": batches(IMAGES, np.eye(4)[LABELS]),
    "several labels an image": batches(IMAGES, np.minimum(ONE_HOT + ONE_HOT[::-1, ::-1], 1)),
    "numbers to foretell, without a loss for them": batches(IMAGES, LABELS + 0.37),
    "labels NaN": batches(IMAGES, nan(LABELS)),
    "weights of another length": batches(IMAGES, LABELS).map(lambda x, y: (x, y, tf.ones(3))),
    "negative weights": batches(IMAGES, LABELS, -np.ones(6)),
    "a file that cannot be read": batches(IMAGES, LABELS).map(
        lambda x, y: (tf.io.decode_raw(tf.io.read_file("/no/such"), tf.float32), y)
    ),
    "arrays of different lengths": (IMAGES, LABELS[:-1]),
    "an array of objects": (np.array([IMAGES[0], None], object), LABELS[:2]),
    "`fit(x, y)`": IMAGES,
    "no validation data": None,
    "a list of batches, a generator or a `PyDataset`": [(IMAGES, LABELS)],
}
KERAS = keras.losses
# (loss, targets, the metrics) of what works.
LOSSES = [
    (None, LABELS, ["accuracy"]),
    (lambda targets, outputs: tf.reduce_sum(outputs, -1), LABELS, ["accuracy"]),
    ("sparse_categorical_crossentropy", LABELS, ["accuracy"]),
    (KERAS.SparseCategoricalCrossentropy, LABELS, ["accuracy"]),
    (KERAS.sparse_categorical_crossentropy, LABELS[:, None], ["accuracy"]),
    ("categorical_crossentropy", ONE_HOT, ["accuracy"]),
    (KERAS.CategoricalCrossentropy(from_logits=True), SOFT, ["accuracy"]),
    ("binary_crossentropy", 1 - ONE_HOT, ["accuracy"]),
    ("mean_squared_error", SOFT - 4, []),
    (KERAS.Huber(), SOFT - 4, []),
]
REFUSED_LOSSES = [
    ("sparse_categorical_crossentropy", ONE_HOT),
    ("categorical_crossentropy", LABELS),
    ("mean_squared_error", LABELS),
    (KERAS.CategoricalCrossentropy(), ONE_HOT),
    ("kl_divergence", SOFT),
    (lambda targets, outputs: tf.matmul(targets, outputs), LABELS),
    (KERAS.MeanSquaredError(reduction="sum"), SOFT),
    ("cross_entropy", LABELS),
]


def rows(heading: str) -> list[list[str]]:
    """The cells of the rows of a table."""
    table = DOCS.read_text().split(f"{heading}\n|---", 1)[1].split("\n\n")[0]
    return [[x.strip() for x in line.strip("|").split("|")] for line in table.splitlines()[1:]]


TABLE = dict(rows("| given | what happens |"))
LOSS_TABLE = rows("| `loss=` | targets | what happens |")


def look(data, loss=None):
    """Gives data to the check, as for the supernet of the table."""
    logits = tf.constant([[-1.0, 0.5, 2.0]] * 2)
    spec = tf.TensorSpec([None, 4, 4, 1])
    takes = data_check.Takes(spec, lambda shape: (shape[0], CLASSES), lambda inputs: logits)
    task = tasks.get(loss=loss)
    data_check.check("training data", streams.by_epoch("training data", data)(0), task, takes)
    return task


def test_all_rows_are_tested():
    works = {given for given, happens in TABLE.items() if happens.startswith("works")}
    assert works == set(WORKS) and set(TABLE) - works == set(REFUSED)
    works = [row for row in LOSS_TABLE if row[2].startswith("works")]
    assert len(works) == 5 and len(LOSS_TABLE) - len(works) == len(REFUSED_LOSSES)


@pytest.mark.parametrize("given", WORKS)
def test_what_works(given):
    for data in WORKS[given]:
        look(data)


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_refused(given):
    with pytest.raises(UserError) as refused:
        look(REFUSED[given])
    (sentence,) = re.findall(r"`(.*?)`", TABLE[given])
    assert sentence in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("loss, targets, metrics", LOSSES)
def test_losses_that_work(loss, targets, metrics):
    assert [metric.name for metric in look(batches(IMAGES, targets), loss).metrics()] == metrics


@pytest.mark.parametrize("number", range(len(REFUSED_LOSSES)))
def test_losses_that_are_refused(number):
    loss, targets = REFUSED_LOSSES[number]
    refused = [row for row in LOSS_TABLE if not row[2].startswith("works")]
    with pytest.raises(UserError) as error:
        look(batches(IMAGES, targets), loss)
    assert refused[number][2].strip("`") in str(error.value)


def test_large_floats_are_said_and_uint8_too(caplog):
    logging.set_verbosity(logging.INFO)
    (data,) = WORKS["floats from 0 to 255"]
    look(data)
    look(WORKS["uint8 or uint16 images"][0])
    look(WORKS["float64 images"][0])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "scaled to [0, 1]" in caplog.text
