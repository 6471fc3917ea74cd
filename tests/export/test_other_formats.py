"""ONNX and LiteRT: what their own runtimes answer, and what is refused."""

import importlib.util
import os
import shutil

import keras
import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from darts_tf import export
from darts_tf.common.errors import UserError
from darts_tf.export import conversion, formats, other_files, runtimes
from tests.serving import tiny_network

ALL = ("savedmodel", "onnx", "litert")
IMAGES = tiny_network.random_images(40)


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


@pytest.fixture(scope="module")
def expected(network):
    return tiny_network.expected_probabilities(network, IMAGES)


@pytest.fixture(scope="module")
def labels(expected):
    """The classes that the network finds, but for every fifth image, where it is wrong."""
    right = expected.argmax(axis=1)
    return np.where(np.arange(40) % 5, right, (right + 1) % 4)


@pytest.fixture(scope="module")
def exported(network, labels, tmp_path_factory):
    quantization = export.Quantization("int8", IMAGES, IMAGES, labels)
    return export.export_model(
        network,
        tmp_path_factory.mktemp("formats"),
        **tiny_network.arguments(),
        formats=ALL,
        quantization=quantization,
    )


@pytest.fixture
def copying(exported, monkeypatch):
    """Takes the files that were converted already instead of converting again, but for float16."""

    def to_onnx(signature, path):
        shutil.copy(exported.directory / "model.onnx", path)

    def to_litert(signature, path, quantization=None):
        if quantization is not None and quantization.kind == "float16":
            conversion.to_litert(signature, path, quantization)
        else:
            shutil.copy(exported.directory / path.name, path)

    monkeypatch.setattr(other_files, "to_onnx", to_onnx)
    monkeypatch.setattr(other_files, "to_litert", to_litert)


def test_onnx_runtime_answers_as_keras(exported, expected):
    session = onnxruntime.InferenceSession(str(exported.directory / "model.onnx"))
    (images,) = session.get_inputs()
    assert (images.name, images.type) == ("images", "tensor(uint8)")
    assert isinstance(images.shape[0], str) and images.shape[1:] == [8, 8, 1]
    names = ["probabilities", "class_ids", "class_names"]
    for count in (1, 5):
        found = session.run(names, {"images": IMAGES[:count]})
        check_answers(*found, expected[:count], str)


def test_litert_answers_as_keras(exported, expected):
    interpreter = Interpreter(model_path=str(exported.directory / "model.tflite"))
    run = interpreter.get_signature_runner("serving_default")
    (images,) = run.get_input_details().values()
    assert images["dtype"] == np.uint8
    assert images["shape_signature"].tolist() == [-1, 8, 8, 1]
    for count in (1, 5):
        found = run(images=IMAGES[:count])
        answers = [found[name] for name in ("probabilities", "class_ids", "class_names")]
        check_answers(*answers, expected[:count], bytes.decode)


def check_answers(probabilities, class_ids, class_names, expected, text):
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert class_ids.dtype == np.int64
    np.testing.assert_array_equal(class_ids, expected.argmax(axis=1))
    names = [tiny_network.CLASS_NAMES[i] for i in class_ids]
    assert [text(name) for name in class_names] == names


def test_eight_bits_are_near_and_mostly_integers(exported, expected):
    run = runtimes.LiteRTModel(exported.directory / "model_int8.tflite")
    found = run(images=IMAGES)["probabilities"]
    assert 1e-4 < np.abs(found - expected).max() < 0.05
    floats, all_of_them = run.float_operations()
    _, of_float32 = runtimes.LiteRTModel(exported.directory / "model.tflite").float_operations()
    assert floats <= 2 < all_of_them and of_float32 > 3


def test_what_is_reported(exported, labels):
    names = ["model.onnx", "model.tflite", "model_int8.tflite"]
    assert [file.name for file in exported.files] == names
    for file in exported.files:
        assert file.size_bytes == os.path.getsize(exported.directory / file.name)
    onnx, litert, int8 = exported.files
    assert max(onnx.max_difference, litert.max_difference) < 1e-6 < int8.max_difference
    assert (onnx.accuracy, litert.accuracy) == (0.8, 0.8)
    run = runtimes.LiteRTModel(exported.directory / int8.name)
    assert int8.accuracy == np.mean(run(images=IMAGES)["class_ids"] == labels)
    assert litert.float_operations is None
    assert int8.float_operations == run.float_operations()


def test_the_folder_says_what_the_files_are_for(exported):
    text = (exported.directory / "README.txt").read_text()
    for word in ("saved_model.pb", 'signature_keys=["serving_default"]', "model_int8.tflite"):
        assert word in text
    assert "state_0" not in text


def test_without_a_saved_model(network, copying, tmp_path):
    quantization = export.Quantization("float16")
    made = export.export_model(
        network,
        tmp_path,
        **tiny_network.arguments(),
        formats=["litert"],
        quantization=quantization,
    )
    names = {path.name for path in made.directory.iterdir()}
    assert names == {"README.txt", "assets", "model.tflite", "model_float16.tflite"}
    labels = (made.directory / "assets" / "labels.txt").read_text(encoding="utf-8")
    assert labels.split("\n")[:2] == ["zero", "one"]
    exact, rounded = made.files
    assert made.max_difference == exact.max_difference < 1e-6
    assert 1e-6 < rounded.max_difference < 1e-2 and rounded.accuracy is None
    assert "saved_model.pb" not in (made.directory / "README.txt").read_text()
    # It may be replaced as a SavedModel may.
    export.export_model(
        network, tmp_path, overwrite=True, **tiny_network.arguments(), formats=["onnx"]
    )
    assert (made.directory / "model.onnx").exists() and not (
        made.directory / "model.tflite"
    ).exists()


class TestRefusals:
    def refused(self, network, folder, match, **options):
        arguments = tiny_network.arguments() | options
        with pytest.raises(UserError, match=match):
            export.export_model(network, folder / "model", **arguments)
        assert not list(folder.iterdir())

    def test_other_answers_than_the_model(self, network, copying, tmp_path, monkeypatch):
        class Wrong(runtimes.OnnxModel):
            def __call__(self, **inputs):
                answers = super().__call__(**inputs)
                return answers | {"probabilities": answers["probabilities"] + np.float32(2e-5)}

        monkeypatch.setattr(other_files, "OnnxModel", Wrong)
        self.refused(network, tmp_path, "differ .* by 2e-05 .*leave onnx out", formats=["onnx"])

    def test_other_names(self, network, copying, tmp_path, monkeypatch):
        class Swapped(runtimes.OnnxModel):
            def __call__(self, **inputs):
                answers = super().__call__(**inputs)
                return answers | {"class_names": np.roll(answers["class_names"], 1)}

        monkeypatch.setattr(other_files, "OnnxModel", Swapped)
        self.refused(network, tmp_path, "onnx calls the classes", formats=["onnx"])

    def test_an_int8_file_that_has_forgotten_much(
        self, network, labels, copying, tmp_path, monkeypatch
    ):
        class Coarse(runtimes.LiteRTModel):
            def __init__(self, path):
                super().__init__(path)
                self.wrong = 0 if path.name == "model.tflite" else 3

            def __call__(self, **inputs):
                answers = super().__call__(**inputs)
                ids = np.where(
                    np.arange(len(answers["class_ids"])) < self.wrong, 9, answers["class_ids"]
                )
                return answers | ({"class_ids": ids} if len(ids) == 40 else {})

        monkeypatch.setattr(other_files, "LiteRTModel", Coarse)
        self.refused(
            network,
            tmp_path,
            "in int8 the accuracy on the test images is 0.7[0-9]*, and 0.8000 in float32 .allowed",
            formats=["litert"],
            quantization=export.Quantization("int8", IMAGES, IMAGES, labels),
        )

    def test_what_a_format_does_not_know(self, tmp_path):
        inputs = keras.Input((8, 8, 1))

        @keras.saving.register_keras_serializable("tests")
        class Eigenvalues(keras.layers.Layer):
            def call(self, images):
                return keras.ops.svd(images[..., 0], compute_uv=False)[:, :4]

        network = keras.Model(inputs, Eigenvalues()(inputs))
        for name, match in (
            ("onnx", "cannot be converted to ONNX: No Op registered for Svd .*; leave ONNX out"),
            (
                "litert",
                "cannot be converted to LiteRT: it has no operation Svd; .*; leave LiteRT out",
            ),
        ):
            self.refused(network, tmp_path, match, formats=[name])

    def test_a_range_that_eight_bits_cannot_hold(self, tmp_path):
        """LiteRT would end the process."""
        inputs = keras.Input((8, 8, 1))
        lowest = np.finfo(np.float32).min
        hidden = keras.ops.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=lowest)
        hidden = keras.layers.MaxPooling2D(3, 2)(hidden)
        outputs = keras.layers.Dense(4)(keras.layers.Flatten()(hidden))
        self.refused(
            keras.Model(inputs, outputs),
            tmp_path,
            "in int8 the values of .* would be 1e.36 apart, .*; try float16",
            formats=["litert"],
            quantization=export.Quantization("int8", IMAGES),
        )

    def test_sixteen_bits(self, network, tmp_path):
        inputs = keras.Input((8, 8, 1))
        with_policy = keras.layers.Dense(4, dtype="mixed_bfloat16")
        outputs = with_policy(keras.layers.Flatten()(inputs))
        match = "computes in bfloat16, and ONNX is exported from float32 only"
        self.refused(keras.Model(inputs, outputs), tmp_path, match, formats=["onnx"])

    @pytest.mark.parametrize(
        ("names", "quantization", "match"),
        [
            ([], None, "one or more different ones of savedmodel, onnx, litert"),
            (["onnx", "coreml"], None, "'onnx,coreml'; expected one or more different ones"),
            (["onnx", "onnx"], None, "different ones"),
            (["onnx"], export.Quantization("int8", IMAGES), "the formats are onnx: add litert"),
            (["litert"], export.Quantization("int4", IMAGES), "'int4'; expected one of int8, fl"),
            (["litert"], export.Quantization("int8"), "int8 needs training images"),
            (["litert"], export.Quantization("int8", IMAGES / 255), r"float64 of shape \[40, 8, 8"),
            (["litert"], export.Quantization("int8", IMAGES[:, :7]), r"uint8 of shape \[40, 7"),
        ],
    )
    def test_arguments(self, network, tmp_path, names, quantization, match):
        self.refused(network, tmp_path, match, formats=names, quantization=quantization)

    def test_packages_that_are_missing(self, network, tmp_path, monkeypatch):
        found = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if "onnx" in name else found(name)
        )
        self.refused(
            network,
            tmp_path,
            "exporting to onnx and litert needs tf2onnx and onnx and onnxruntime; install with: "
            "pip install -r requirements-export.txt",
            formats=["onnx", "litert"],
        )
        formats.check_formats(["savedmodel"])


def test_layers_are_unrolled_for_a_while():
    inputs = keras.Input((3, 2))
    outputs = keras.layers.LSTM(2, unroll=True)(keras.layers.GRU(2, return_sequences=True)(inputs))
    network = keras.Model(inputs, outputs)
    _, gru, lstm = network.layers
    with pytest.raises(KeyError), conversion.unrolled(network):
        assert gru.unroll and lstm.unroll
        raise KeyError
    assert not gru.unroll and lstm.unroll
