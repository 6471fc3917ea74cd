"""Checkpoints of a search or a training: written whole or not at all, the last few kept."""

import pathlib
import tempfile
import time

import tensorflow as tf

from darts_tf.errors import UserError


class Checkpoints:
    """Saves and restores groups of variables and the position in the run.

    Args:
        directory: where the checkpoints live; created when needed.
        groups: name -> list of Keras variables. Restoring wants the same names and shapes.
        keep: how many checkpoints stay on disk.
        seconds: after how many seconds without a save `due` says so.
        writes: whether this process writes them. Of several workers the chief alone does; the
            others read its checkpoints, take part in saving, and write to a temporary folder.
    """

    def __init__(
        self,
        directory,
        groups: dict[str, list],
        keep: int = 3,
        seconds: float = 300,
        writes: bool = True,
    ):
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        checkpoint = tf.train.Checkpoint(
            epoch=self._epoch,
            step=self._step,
            **{name: [v.value for v in variables] for name, variables in groups.items()},
        )
        self._scratch = None if writes else tempfile.TemporaryDirectory()
        written_to = directory if writes else self._scratch.name
        self._manager = tf.train.CheckpointManager(checkpoint, str(written_to), max_to_keep=keep)
        self._directory = pathlib.Path(directory)

    def save(self, epoch: int, step: int = 0) -> None:
        """Saves everything; the run would go on with step `step` of epoch `epoch`.

        Raises:
            UserError: the file system does not take it; the earlier checkpoints are intact.
        """
        self._epoch.assign(epoch)
        self._step.assign(step)
        try:
            self._manager.save()
            self._saved_at = time.monotonic()
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                f"cannot write a checkpoint to {self._directory}: {error}. The checkpoints before "
                "it are intact: free space or fix the permissions and start again to go on"
            ) from error

    def due(self) -> bool:
        """Whether the last checkpoint is older than `seconds`."""
        return time.monotonic() - self._saved_at >= self._seconds

    def restore(self) -> tuple[int, int]:
        """Restores the newest checkpoint; returns (epoch, step) to go on with, (0, 0) if none.

        Raises:
            UserError: the newest checkpoint does not fit these variables or cannot be read.
        """
        latest = tf.train.latest_checkpoint(str(self._directory))
        if latest is None:
            return 0, 0
        try:
            self._manager.checkpoint.restore(latest).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"the checkpoint {latest} does not fit this run: {reason}. Was it written with "
                "other settings? Use a new output folder"
            ) from error
        return int(self._epoch.numpy()), int(self._step.numpy())
