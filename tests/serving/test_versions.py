import pytest

from darts_tf.common.errors import UserError
from darts_tf.serving import versions


def make(folder):
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return folder


def test_the_highest_number_is_served(tmp_path):
    for name in ("2", "10", "9"):
        make(tmp_path / name)
    make(tmp_path / "old")
    make(tmp_path / ".11.0a1b2c3d.tmp")
    (tmp_path / "12").mkdir()
    assert versions.find(tmp_path) == (tmp_path / "10", 10)


def test_a_version_folder_is_served_itself(tmp_path):
    assert versions.find(make(tmp_path / "3")) == (tmp_path / "3", 3)
    assert versions.find(make(tmp_path / "model")) == (tmp_path / "model", 1)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        versions.find(tmp_path / "nothing")
    with pytest.raises(UserError, match="holds no exported model"):
        versions.find(tmp_path)


def test_an_export_in_other_formats_only(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.tflite").touch()
    for folder in (tmp_path, tmp_path / "1"):
        with pytest.raises(UserError, match="for ONNX Runtime or LiteRT only.*--format=savedmodel"):
            versions.find(folder)
