"""A call of `ArchitectureSearch.fit`: its data, callbacks and checkpoints."""

from typing import NamedTuple

import keras

from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runs.settings import Changeable
from darts_tf.runtime import distribution
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.search.record import settings


class Saving(NamedTuple):
    """Where the checkpoints of a search are, and how many; see `ArchitectureSearch.fit`.

    Attributes:
        directory: None for a search that is not saved.
        seconds: from one checkpoint within an epoch to the next.
        keep: how many stay.
    """

    directory: object
    seconds: float
    keep: int

    def open(self, search, epochs: int, steps: int) -> Checkpoints | None:
        """The checkpoints of a search of so many epochs and steps an epoch; None for none."""
        if self.directory is None:
            return None
        return Checkpoints(
            self.directory,
            search.checkpointed(),
            keep=self.keep,
            seconds=self.seconds,
            writes=distribution.is_chief(search.strategy),
            settings=settings(
                search.supernet,
                search.method,
                search.task,
                epochs=epochs,
                steps_per_epoch=steps,
                accumulate_steps=search.accumulate_steps,
            ),
            changeable=Changeable(raised=("epochs",)),
        )


def monitored(search, callbacks) -> tuple[CollapseMonitor, list]:
    """The callbacks' `CollapseMonitor`, or one that is put before them; and all of them."""
    for callback in callbacks:
        if isinstance(callback, CollapseMonitor):
            return callback, list(callbacks)
    monitor = CollapseMonitor(search)
    return monitor, [monitor, *callbacks]


def callback_list(
    search, callbacks, verbose: int, epochs: int, steps: int
) -> tuple[keras.callbacks.CallbackList, keras.callbacks.History]:
    """The callbacks of a search as Keras calls them, with a history at their end."""
    history = keras.callbacks.History()
    calls = keras.callbacks.CallbackList(
        [*callbacks, history],
        add_progbar=verbose != 0,
        model=search.supernet,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
    return calls, history
