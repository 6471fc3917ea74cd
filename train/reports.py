"""When programs write the report of a run."""

import time

import keras

from darts_tf import report
from darts_tf.runs.run_folder import RunFolder

_FILE = "report.html"
# As often as the page of an unfinished run loads itself anew.
_SECONDS = 20


def write(folder: RunFolder) -> None:
    """Writes report.html from the other files of a run.

    Raises:
        UserError: the file system does not take it.
    """
    report.write([report.Run(folder.path)], folder.file(_FILE))


class EachEpoch(keras.callbacks.Callback):
    """Writes the report after an epoch, but not more often than the page loads itself anew.

    It comes after the callbacks that write what it shows.
    """

    def __init__(self, folder: RunFolder):
        super().__init__()
        self._folder = folder
        self._next = 0.0

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() >= self._next:
            write(self._folder)
            self._next = time.monotonic() + _SECONDS
