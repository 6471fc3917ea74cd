"""Finds the version folder to serve. Without TensorFlow, so that a wrong path fails at once."""

import os
from pathlib import Path

from darts_tf.common.errors import UserError

# Exports of other formats, which other programs run.
_OTHERS = ("model.onnx", "model.tflite")


def find(directory) -> tuple[Path, int]:
    """Returns the folder of the newest version of an exported model, and its number.

    Args:
        directory: the folder given to `darts_tf.export.export_model`, or one of its version
            folders.

    Raises:
        UserError: the folder is missing or holds no SavedModel.
    """
    directory = Path(directory)
    if not os.path.isdir(directory):
        raise UserError(
            f"the model folder {directory} does not exist; give one that `python -m train.export` "
            "wrote"
        )
    if (directory / "saved_model.pb").is_file():
        name = directory.resolve().name
        return directory, int(name) if name.isdecimal() else 1
    versions = find_all(directory)
    if not versions:
        if any(next(directory.glob(f"**/{name}"), None) for name in _OTHERS):
            raise UserError(
                f"{directory} holds files for ONNX Runtime or LiteRT only, and TensorFlow's are "
                "served: export with --format=savedmodel too"
            )
        raise UserError(
            f"{directory} holds no exported model (no <version>/saved_model.pb); give a folder "
            "that `python -m train.export` wrote"
        )
    newest = max(versions)
    return versions[newest], newest


def find_all(directory) -> dict[int, Path]:
    """The folders of all versions of an exported model by their numbers.

    Args:
        directory: the folder given to the export. A version folder itself holds none.
    """
    return {
        int(path.name): path
        for path in Path(directory).iterdir()
        if path.name.isdecimal() and (path / "saved_model.pb").is_file()
    }
