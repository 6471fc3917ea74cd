"""The formats of an export as flags, and the images of a quantization."""

import json

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.export import ExportedFile
from train import export_formats
from train.data_flags import DataConfig
from train.export import ExportConfig
from train.images import Images

QUANTIZE = ("--format=litert", "--quantize=int8")


def config(*words):
    return ExportConfig.from_words(words)


@pytest.fixture
def digits(tmp_path):
    """Few digits, and the settings and the description that a training on them leaves."""
    words = ["--dataset=digits", "--train_examples=60", "--image_size=9", "--seed=3"]
    _, data = Images.load(DataConfig.from_words(words))
    (tmp_path / "data.json").write_text(json.dumps(data.description(trains=True)))
    settings = {
        **{"dataset": "digits", "data_dir": None, "train_examples": 60, "image_size": 9},
        **{"seed": 3, "flip": False, "crop": True, "task": "image_classification", "epochs": 2},
    }
    return settings, data


def test_the_images_of_the_run(digits, tmp_path):
    settings, data = digits
    found = export_formats.quantization(config(*QUANTIZE), settings, tmp_path / "data.json")
    assert found.kind == "int8" and found.images.shape == (60, 9, 9, 1)
    np.testing.assert_array_equal(found.images, data.training.images)
    np.testing.assert_array_equal(found.test_images, data.test.images)
    np.testing.assert_array_equal(found.test_labels, data.test.labels)


def test_other_images_than_those_of_the_run(digits, tmp_path):
    settings, data = digits
    other = tmp_path / "other.npz"
    np.savez(
        other,
        x_train=data.training.images,
        y_train=data.training.labels,
        x_test=data.test.images,
        y_test=data.test.labels[::-1],
    )
    given = config(*QUANTIZE, f"--dataset={other}")
    with pytest.raises(UserError, match="these are others: .* Say with --dataset where they are"):
        export_formats.quantization(given, settings, tmp_path / "data.json")


def test_nothing_is_loaded_without_quantization(tmp_path):
    assert export_formats.quantization(config("--format=litert"), {}, tmp_path / "none") is None


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--format=coreml"], "'coreml'; expected one or more different ones of savedmodel, onnx"),
        (["--quantize=int8"], "the formats are savedmodel: add litert"),
        (["--dataset=digits"], "--dataset is for --quantize, which was not given"),
    ],
)
def test_flags_that_are_refused(words, match):
    with pytest.raises(UserError, match=match):
        export_formats.check(config(*words))


def test_texts_are_not_quantized():
    with pytest.raises(
        UserError, match="--quantize is for networks that name a class; that of language_"
    ):
        export_formats.refuse_quantization(config(*QUANTIZE), "language_model")


def test_the_report(capsys):
    export_formats.report(
        [
            ExportedFile("onnx", "model.onnx", 1_234_567, 1.5e-7),
            ExportedFile("litert int8", "model_int8.tflite", 45_678, 0.02, 0.9889, (1, 27)),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        "model.onnx (onnx): largest difference 1.5e-07, 1.23 MB",
        "model_int8.tflite (litert int8): largest difference 0.02, 45.7 kB, test accuracy 0.9889, "
        "1 of 27 operations on floats",
    ]
