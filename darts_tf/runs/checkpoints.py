"""Checkpoints of a search or a training: written whole or not at all, the last few kept."""

import contextlib
import itertools
import json
import pathlib
import time
from typing import NamedTuple

import tensorflow as tf
from absl import logging

from darts_tf.common import files
from darts_tf.common.errors import UserError, reason
from darts_tf.runs.settings import Changeable


class Checkpoints:
    """Saves and restores groups of variables and the position in the run.

    Args:
        directory: where the checkpoints live; created when needed.
        groups: name -> list of Keras variables. Restoring wants the same names and shapes.
        keep: how many checkpoints stay on disk.
        seconds: after how many seconds without a save `due` says so.
        writes: whether this process writes them. Of several workers the chief alone does; the
            others read its checkpoints, take part in saving, and write to a temporary folder.
        settings: what decides the result of the run, JSON-ready. It is saved too, and a checkpoint
            of a run with other settings is refused.
        changeable: which of them may be others nevertheless; None by default.
    """

    def __init__(
        self,
        directory,
        groups: dict[str, list],
        keep: int = 3,
        seconds: float = 300,
        writes: bool = True,
        settings: dict | None = None,
        changeable: Changeable | None = None,
    ):
        self._directory = pathlib.Path(directory)
        self._discard_unreadable_list()
        self._seconds = seconds
        self._options = {
            "keep": keep,
            "seconds": seconds,
            "writes": writes,
            "settings": settings,
            "changeable": changeable,
        }
        self._saved_at = time.monotonic()
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._settings = _Json(settings or {})
        self._changeable = changeable or Changeable()
        self._notes = _Json({})
        checkpoint = tf.train.Checkpoint(
            epoch=self._epoch,
            step=self._step,
            settings=self._settings,
            notes=self._notes,
            **{name: [v.value for v in variables] for name, variables in groups.items()},
        )
        self._scratch = None if writes else files.temporary_folder()
        written_to = directory if writes else self._scratch.name
        self._manager = tf.train.CheckpointManager(checkpoint, str(written_to), max_to_keep=keep)

    @property
    def notes(self) -> dict:
        """Whatever else belongs to the run, JSON-ready: saved and restored with the variables."""
        return self._notes.content

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
                f"cannot write a checkpoint to {self._directory}: {files.reason(error)}. The "
                "checkpoints before it are intact: free space or fix the permissions and start "
                "again to go on"
            ) from error

    def of_groups(self, groups: dict[str, list]) -> "Checkpoints":
        """The checkpoints of the same run from now on, of other variables.

        Args:
            groups: name -> list of Keras variables.
        """
        other = Checkpoints(self._directory, groups, **self._options)
        other._saved_at = self._saved_at
        other._notes.content = self._notes.content
        # Else its first one would take the place of the first one of all.
        other._manager.checkpoint.save_counter.assign(self._manager.checkpoint.save_counter)
        return other

    def due(self) -> bool:
        """Whether the last checkpoint is older than `seconds`."""
        return time.monotonic() - self._saved_at >= self._seconds

    def restore(self, part: bool = False) -> tuple[int, int]:
        """Restores the newest checkpoint; returns (epoch, step) to go on with, (0, 0) if none.

        One that cannot be read, because the disk was full or the power failed perhaps, is passed
        over with a warning, and the one before it is restored.

        Args:
            part: whether the checkpoint may hold more groups than these, and settings that are not
                looked at: for reading the supernet of a search, say, without its optimizers.

        Raises:
            UserError: a checkpoint has other settings or does not fit these variables, or none can
                be read.
        """
        paths = _newest_first(self._directory)
        for path, older in itertools.zip_longest(paths, paths[1:]):
            try:
                if part:
                    status = self._manager.checkpoint.restore(path)
                    status.assert_existing_objects_matched().expect_partial()
                else:
                    settings = self._compared_settings(path)
                    self._manager.checkpoint.restore(path).assert_consumed()
                    self._settings.content = settings
                return int(self._epoch.numpy()), int(self._step.numpy())
            except UserError:
                raise
            except (AssertionError, ValueError) as error:
                raise UserError(
                    f"the checkpoint {path} does not fit this run: {reason(error)}. Was it "
                    "written with other settings? Use a new output folder"
                ) from error
            except _DAMAGED as error:
                if older is None:
                    raise UserError(
                        _NONE_READABLE.format(self._directory, path, reason(error))
                    ) from error
                logging.warning(
                    "the checkpoint %s cannot be read (%s); going on from the one before it, %s",
                    path,
                    reason(error),
                    older,
                )
        return 0, 0

    def _compared_settings(self, path) -> dict:
        """The settings of now, if a run with those of a checkpoint may go on with them."""
        before, now = _Json({}), self._settings.content
        tf.train.Checkpoint(settings=before).restore(path).expect_partial()
        if difference := self._changeable.difference(before.content, now):
            raise UserError(
                f"the checkpoint {path} is of a run with other settings: {difference}. Give the "
                "same settings to go on with it, or another folder"
            )
        for setting, first, second in self._changeable.extensions(before.content, now):
            logging.warning(
                "the run of %s was begun for %d %s and goes on with the schedules of %d, which is "
                "not the same as %d from the start",
                *(self._directory, first, setting, second, second),
            )
        return now

    def _discard_unreadable_list(self) -> None:
        """TensorFlow's manager does not start where its list of checkpoints is an empty file."""
        try:
            tf.train.get_checkpoint_state(str(self._directory))
        except ValueError:
            (self._directory / "checkpoint").unlink(missing_ok=True)


class Description(NamedTuple):
    """The description of a run in its checkpoint, besides the numbers.

    Attributes:
        settings: what decides the result of the run.
        notes: whatever else belongs to it.
        epoch, step: that the run would go on with.
    """

    settings: dict
    notes: dict
    epoch: int
    step: int


def described(directory) -> Description | None:
    """The description in the newest checkpoint of a folder; None if there is none.

    Read before the numbers where these say how many variables of which shapes there are.

    Raises:
        UserError: no checkpoint can be read.
    """
    error = None
    for path in _newest_first(pathlib.Path(directory)):
        settings, notes = _Json({}), _Json({})
        epoch, step = (tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(2))
        checkpoint = tf.train.Checkpoint(settings=settings, notes=notes, epoch=epoch, step=step)
        try:
            checkpoint.restore(path).expect_partial()
            # Under a strategy of several replicas or workers they are no numbers for int().
            position = int(epoch.numpy()), int(step.numpy())
            return Description(settings.content, notes.content, *position)
        except _DAMAGED as found:
            error = error or UserError(_NONE_READABLE.format(directory, path, reason(found)))
    if error is not None:
        raise error
    return None


def _newest_first(directory: pathlib.Path) -> list[str]:
    """The paths of the checkpoints that were finished."""
    # The list of checkpoints is a file of its own, and as easily damaged.
    with contextlib.suppress(ValueError):
        state = tf.train.get_checkpoint_state(str(directory))
        if state is not None and state.all_model_checkpoint_paths:
            return list(reversed(state.all_model_checkpoint_paths))
    found = directory.glob("ckpt-*.index")
    numbers = sorted((int(p.stem.removeprefix("ckpt-")) for p in found), reverse=True)
    return [str(directory / f"ckpt-{number}") for number in numbers]


_NONE_READABLE = "no checkpoint in {} can be read; {}: {}. Use a new output folder"

# What TensorFlow raises for files that are cut off, changed or missing.
_DAMAGED = (tf.errors.OpError, IndexError, OSError, RuntimeError)


class _Json(tf.train.experimental.PythonState):
    """A dictionary inside a TensorFlow checkpoint, as JSON."""

    def __init__(self, content: dict):
        self.content = content

    def serialize(self) -> str:
        return json.dumps(self.content)

    def deserialize(self, string_value) -> None:
        self.content = json.loads(string_value)
