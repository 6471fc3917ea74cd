"""Files of several NumPy arrays."""

import pathlib
import zipfile
import zlib

import numpy as np

from darts_tf.common import files
from darts_tf.common.errors import UserError, reason

# Among them what zipfile raises where a changed byte means a later version, or a password.
_DAMAGED = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


def write(path, arrays) -> None:
    """Writes arrays as an `.npz` file, in one piece.

    Args:
        path: the file.
        arrays: a sequence of them.

    Raises:
        UserError: the file system does not take it.
    """
    with files.whole(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, *arrays)


def read(path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file by their names, in their order.

    Raises:
        UserError: it is missing, damaged, such as cut off or emptied, or something else.
    """
    try:
        # NumPy takes a file of one array, too.
        if not zipfile.is_zipfile(path):
            size = pathlib.Path(path).stat().st_size
            raise ValueError(f"its {size} bytes are no .npz file")
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except _DAMAGED as error:
        raise UserError(f"cannot read {path}, it is missing or damaged: {reason(error)}") from error
