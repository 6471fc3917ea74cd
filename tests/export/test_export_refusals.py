"""Exports that are refused, and leave nothing behind."""

import errno

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import export
from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files
from tests.serving import tiny_network


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


def test_an_existing_version_stays_unless_it_may_be_replaced(network, tmp_path):
    arguments = tiny_network.arguments()
    first = export.export_model(network, tmp_path, **arguments).directory
    marker = first / "marker"
    marker.touch()
    with pytest.raises(UserError, match="exists already"):
        export.export_model(network, tmp_path, **arguments)
    assert marker.exists()
    second = export.export_model(network, tmp_path, version=2, **arguments).directory
    assert second == tmp_path / "2"
    assert marker.exists()
    export.export_model(network, tmp_path, overwrite=True, **arguments)
    assert not marker.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_a_folder_that_is_no_export_is_never_replaced(network, tmp_path):
    thesis = tmp_path / "1" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(UserError, match="no exported model"):
        export.export_model(network, tmp_path, overwrite=True, **tiny_network.arguments())
    assert thesis.read_text() == "years of work"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image_shape": (8, 8)}, "expected .height, width, channels."),
        ({"image_shape": (8, 8, 4)}, "1 channel .grey. or 3"),
        ({"image_shape": (9, 8, 1)}, r"takes images of shape \[8, 8, 1\]"),
        ({"mean": (0.1, 0.2)}, "mean is .*expected 1 finite"),
        ({"mean": (float("nan"),)}, "mean is"),
        ({"mean": (10**400,)}, "mean is .*expected 1 finite"),
        ({"std": (0.0,)}, "must be above 0"),
        ({"class_names": ("a", "b")}, "4 outputs, but there are 2 class names"),
        ({"class_names": ("a", "b", "c", "d\ne")}, "one line"),
        ({"genotype_json": "{"}, "no JSON"),
        ({"version": 0}, "from 1"),
        ({"bit_depth": 9}, "bit_depth is 9; expected None or one of 8, 10, 12, 14, 16"),
    ],
)
def test_bad_arguments_write_nothing(network, tmp_path, changes, reason):
    with pytest.raises(UserError, match=reason):
        export.export_model(network, tmp_path / "new", **{**tiny_network.arguments(), **changes})
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_nan_weights_is_not_exported(tmp_path):
    network = tiny_network.build()
    network.layers[-1].bias.assign(np.full([4], np.nan))
    with pytest.raises(UserError, match="not finite"):
        export.export_model(network, tmp_path / "new", **tiny_network.arguments())
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_decodes_otherwise_is_not_kept(network, tmp_path, monkeypatch):
    encoded = tiny_network.encode(tiny_network.random_images(1)[0])
    black = np.zeros([8, 8, 1], np.uint8)
    monkeypatch.setattr(image_files, "read", lambda *args: black)
    with pytest.raises(UserError, match="differ from the Keras model's .* for an image file"):
        export.export_model(network, tmp_path, image_files=[encoded], **tiny_network.arguments())
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_differs_from_its_network_is_not_kept(tmp_path):
    @keras.saving.register_keras_serializable("test_export")
    class EagerIsDifferent(keras.layers.Layer):
        def call(self, inputs):
            return inputs + 1 if tf.executing_eagerly() else inputs * 2

    images = keras.Input((8, 8, 1))
    hidden = keras.layers.Dense(4)(keras.layers.Flatten()(images))
    network = keras.Model(images, EagerIsDifferent()(hidden))
    with pytest.raises(UserError, match="differ from the Keras model's"):
        export.export_model(network, tmp_path / "new", **tiny_network.arguments())
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write the export to .*; choose another folder"):
        export.export_model(network, tmp_path / "file" / "model", **tiny_network.arguments())


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        tf.errors.ResourceExhaustedError(None, None, "variables; No space left on device"),
    ],
)
def test_a_full_disk(network, tmp_path, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(UserError, match="cannot write the export to .*: No space left on device"):
        export.export_model(network, tmp_path / "a" / "b", **tiny_network.arguments())
    assert not list(tmp_path.iterdir())
