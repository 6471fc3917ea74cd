import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from darts_tf import spaces, tasks
from darts_tf.common.errors import UserError
from darts_tf.tuner import SearchData, checks

IMAGES = np.zeros((12, 2, 2, 1), np.float32)
LABELS = np.arange(12) % 3
VALIDATION = IMAGES[:3], LABELS[:3]


def make(y=LABELS, validation=VALIDATION, x=IMAGES):
    return SearchData.of(x, y, validation, batch_size=2, seed=0, num_classes=3)


def dataset(labels):
    return tf.data.Dataset.from_tensor_slices((IMAGES[: len(labels)], labels)).batch(2)


def test_column_of_labels():
    """As `keras.datasets.cifar10.load_data` gives them."""
    for data in (
        make(LABELS[:, None], (IMAGES[:3], LABELS[:3, None])),
        make(None, dataset(LABELS[:3, None]), dataset(LABELS[:, None])),
    ):
        parts = [part(0) for part in (*data.halves, data.batches)] + [data.validation]
        assert all(part.element_spec[1].shape.rank == 1 for part in parts)
        read = np.concatenate([labels for _, labels in data.validation])
        np.testing.assert_array_equal(read, [0, 1, 2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.eye(3)[LABELS], r"shape \[12, 3\]; expected integers, .* give argmax\(axis=-1\)"),
        (np.array(["a", "b", "c"])[LABELS], "type str.*; of text give numpy.unique"),
        (LABELS.astype(float), "have type float64"),
        (LABELS + 1, "holds labels from 1 to 3; expected 0 to 2"),
        (LABELS - 1, "holds labels from -1 to 1; expected 0 to 2"),
        (LABELS[:-1], "has 11 labels for 12 images"),
    ],
)
def test_refused_labels(wrong, message):
    with pytest.raises(UserError, match=message):
        make(wrong)
    with pytest.raises(UserError, match=message):
        make(validation=(IMAGES, wrong))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(3)[LABELS], "the labels of the .* data have type float64 and shape"),
        (np.array(["a", "b", "c"])[LABELS], "type string.*; of text give numpy.unique"),
    ],
)
def test_refused_labels_of_data_sets(labels, message):
    with pytest.raises(UserError, match=message):
        make(None, x=dataset(labels))
    with pytest.raises(UserError, match=message):
        make(validation=dataset(labels))


def test_other_elements():
    with pytest.raises(UserError, match=r"expected batches of \(images, labels\)"):
        make(None, x=tf.data.Dataset.from_tensor_slices(IMAGES).batch(2))
    with pytest.raises(UserError, match="y was given beside a data set"):
        make(x=dataset(LABELS))


@pytest.mark.parametrize("wrong", [IMAGES, (IMAGES, LABELS, LABELS), 3])
def test_validation_data_that_are_no_pair(wrong):
    with pytest.raises(UserError, match=r"validation_data are no pair of arrays .images, labels."):
        make(validation=wrong)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, None),
        ({"x": (255 * IMAGES).astype(np.uint8)}, None),
        ({"x": IMAGES[..., 0]}, "the training data have shape .* they have no axis of channels"),
        ({"x": IMAGES + np.nan}, "numbers in the first batch of the training data are NaN"),
        ({"validation": (IMAGES[:3, :1], LABELS[:3])}, "inputs of the validation data have shape"),
    ],
)
def test_images_are_looked_at_before_the_first_trial(changed, message):
    given = make(**changed), tasks.get(), spaces.get("darts_cnn"), (2, 2, 1), 3
    if message is None:
        checks.check_data(*given)
        return
    with pytest.raises(UserError, match=message):
        checks.check_data(*given)


def test_own_streams_are_checked():
    right, wrong = dataset(LABELS), dataset(np.eye(3)[LABELS])
    with pytest.raises(UserError, match="the labels of the alphas' half have type float64"):
        SearchData((lambda epoch: right, lambda epoch: wrong), lambda epoch: right, right)


class TestOtherArraysInATunersFolder:
    def test_are_refused_by_name(self, tmp_path):
        make().refuse_other(tmp_path / "tuner")
        make(y=LABELS.astype(np.int32)).refuse_other(tmp_path / "tuner")
        for name, data in {
            "x": make(x=IMAGES + 1),
            "y": make(y=(LABELS + 1) % 3),
            "validation_data": make(validation=(IMAGES[:3] + 1, LABELS[:3])),
        }.items():
            with pytest.raises(UserError, match=f"^{name} is another array than that of the tri"):
                data.refuse_other(tmp_path / "tuner")

    def test_data_sets_have_no_hashes(self, tmp_path):
        make(None, dataset(LABELS), dataset(LABELS)).refuse_other(tmp_path)
        assert not (tmp_path / "data.json").exists()

    def test_trials_of_an_earlier_version(self, tmp_path, caplog):
        logging.set_verbosity(logging.INFO)
        (tmp_path / "trial_0").mkdir()
        (tmp_path / "trial_0" / "trial.json").write_text("{}")
        make().refuse_other(tmp_path)
        assert "is compared with no earlier data" in caplog.text
        with pytest.raises(UserError, match="x is another array"):
            make(x=IMAGES + 1).refuse_other(tmp_path)


def test_data_without_an_end():
    with pytest.raises(UserError, match="the batches of the validation data have no end"):
        make(validation=dataset(LABELS).repeat())
    data, endless = dataset(LABELS), dataset(LABELS).repeat()
    with pytest.raises(UserError, match="the batches of the alphas' half have no end"):
        SearchData((lambda epoch: data, lambda epoch: endless), lambda epoch: data, data)
