"""The state of a search at the ends of its last epochs, to go back to."""

import pathlib

import keras

from darts_tf.common import array_files, files


class Snapshots:
    """Values of variables by epoch; in files where there is a folder, so that a restart finds them.

    Args:
        variables: what is kept.
        keep: of how many epochs.
        directory: the folder; None keeps the values in memory.
        writes: whether this process writes the files.
    """

    def __init__(self, variables, keep: int, directory=None, writes: bool = True):
        self._variables = list(variables)
        self._keep = keep
        self._directory = directory and pathlib.Path(directory)
        self._writes = writes
        self._values = {}

    def save(self, epoch: int) -> None:
        """Keeps the values of now as those of the end of an epoch."""
        values = [keras.ops.convert_to_numpy(v).copy() for v in self._variables]
        if self._directory is None:
            self._values[epoch] = values
            for old in [e for e in self._values if e <= epoch - self._keep]:
                del self._values[old]
        elif self._writes:
            files.make_folder(self._directory)
            array_files.write(self._path(epoch), values)
            self._path(epoch - self._keep).unlink(missing_ok=True)

    def restore(self, epoch: int) -> None:
        """Gives the variables the values of the end of an epoch that was kept."""
        if self._directory is None:
            values = self._values[epoch]
        else:
            values = list(array_files.read(self._path(epoch)).values())
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    def _path(self, epoch: int) -> pathlib.Path:
        return self._directory / f"epoch_{epoch}.npz"
