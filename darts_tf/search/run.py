"""A call of `ArchitectureSearch.fit`: its length, callbacks and checkpoints."""

import pathlib
from typing import NamedTuple

import keras

from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runs.settings import Changeable
from darts_tf.runtime import distribution
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.search.record import settings


class Run:
    """The settings and objects that all stages of a search share.

    Args:
        search: the `ArchitectureSearch`.
        epochs: of each stage.
        steps: batches of an epoch.
        callbacks: a user's Keras callbacks; a `CollapseMonitor` is put before them unless there is
            one.
        verbose: as for `fit`.

    Attributes:
        epochs, steps: the same.
        monitor: the `CollapseMonitor`.
        history: of all epochs.
        writes: whether this process writes files.
    """

    def __init__(self, search, epochs: int, steps: int, callbacks, verbose: int):
        self._search = search
        self._verbose = verbose
        self.epochs, self.steps = epochs, steps
        found = [callback for callback in callbacks if isinstance(callback, CollapseMonitor)]
        self.monitor = found[0] if found else CollapseMonitor(search)
        self._callbacks = [*([] if found else [self.monitor]), *callbacks]
        self.history = _History()
        self.writes = distribution.is_chief(search.strategy)

    def calls(self) -> keras.callbacks.CallbackList:
        """The callbacks as Keras calls them, for the stage that the search is in."""
        return keras.callbacks.CallbackList(
            [*self._callbacks, self.history],
            add_progbar=self._verbose != 0,
            model=self._search.supernet,
            verbose=self._verbose,
            epochs=self.epochs * len(self._search.stages),
            steps=self.steps,
        )


class Saving(NamedTuple):
    """Where the checkpoints of a search are, and how many; see `ArchitectureSearch.fit`.

    Attributes:
        directory: of the search; None for one that is not saved.
        seconds: from one checkpoint within an epoch to the next.
        keep: how many stay.
    """

    directory: object
    seconds: float
    keep: int

    def open(self, search, folder: pathlib.Path | None, run: Run) -> Checkpoints | None:
        """The checkpoints of the stage that the search is in, in a folder; None for none."""
        if folder is None:
            return None
        several = len(search.stages) > 1
        return Checkpoints(
            folder,
            search.checkpointed(),
            keep=self.keep,
            seconds=self.seconds,
            writes=run.writes,
            settings=settings(
                search.stages.supernet(0) if search.grows else search.supernet,
                search.stages.setting(search.stage),
                search.task,
                epochs=run.epochs,
                steps_per_epoch=run.steps,
                accumulate_steps=search.accumulate_steps,
            ),
            changeable=Changeable(
                raised=() if several else ("epochs",),
                reasons={"epochs": _ENDED} if several else {},
            ),
        )


_ENDED = "but stages that have ended cannot become longer"


class _History(keras.callbacks.History):
    """A history of all stages, each of which begins a training to Keras."""

    def __init__(self):
        super().__init__()
        self.epoch = []

    def on_train_begin(self, logs=None):
        pass
