"""The two streams of data that a search learns from."""

import contextlib
import functools
import re
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import refuse_endless
from darts_tf.search import checks
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task, data_check, streams


class Streams(NamedTuple):
    """The data of a search, each a function from the number of the epoch to its batches.

    Attributes:
        train: for the weights.
        validation: for the alphas.
    """

    train: Callable[[int], tf.data.Dataset]
    validation: Callable[[int], tf.data.Dataset]

    @property
    def batch_size(self) -> int | None:
        """Of the training batches; None where they differ."""
        return self.batch_sizes["train"]

    @property
    def batch_sizes(self) -> dict[str, int | None]:
        """By the names of the streams; None where the batches of one differ."""
        return {
            name: tf.nest.flatten(data(0).element_spec)[0].shape[0]
            for name, data in self._asdict().items()
        }


def of(task: Task, supernet: Supernet, train, validation, batch_size: int) -> Streams:
    """The streams of what a user gives.

    Args:
        task: what the data are of.
        supernet: what learns from them; its seed is that of the order of arrays.
        train, validation, batch_size: as for `ArchitectureSearch.fit`.

    Raises:
        UserError: they are no data, or arrays for a task whose batches follow each other.
    """
    replicas, seed = (
        tf.distribute.get_strategy().num_replicas_in_sync,
        supernet.get_config()["seed"],
    )
    found = []
    for number, (name, data) in enumerate(zip(_NAMES, (train, validation), strict=True)):
        if task.carries_state and isinstance(data, tuple):
            raise UserError(
                f"the task {task.name!r} carries a state from batch to batch, which arrays in "
                "another order in each epoch have none of; give data sets"
            )
        options = {
            "batch_size": batch_size,
            "seed": seeds.of_stream(seed, number),
            # The validation data are evaluated too, all of them where replicas allow it.
            "drop_remainder": number == 0 or replicas > 1,
        }
        # Some epochs are asked for more than once, and to make a pipeline takes some time.
        found.append(functools.lru_cache(maxsize=2)(streams.by_epoch(name, data, **options)))
    return Streams(*found)


def count_and_check(found: Streams, task: Task, supernet: Supernet) -> int:
    """Looks at the data before the first step; returns the number of batches of an epoch.

    Raises:
        UserError: the data have no length or no end, or are none that the supernet and the task can
            learn from; see `darts_tf.tasks.data_check`.
    """
    steps = checks.count_steps(found.train(0), found.validation(0))
    takes = takes_of(supernet, task)
    for name, data in zip(_NAMES, found, strict=True):
        data_check.check(name, data(0), task, takes)
    checks.check_streams(task, found)
    return steps


def one(name: str, data, task: Task, supernet: Supernet):
    """Data that a supernet is evaluated on: data sets and arrays, which are looked at, or batches.

    Args:
        name: of the data, in the plural.
        data: a data set, a tuple of arrays, or anything else whose elements are batches.

    Raises:
        UserError: as `count_and_check`.
    """
    found = streams.one_stream(name, data)
    if isinstance(found, tf.data.Dataset):
        refuse_endless(name, found)
        data_check.check(name, found, task, takes_of(supernet, task))
    return found


@contextlib.contextmanager
def naming_labels():
    """Turns TensorFlow's error of a label that is no class into a line that says what to do.

    Raises:
        UserError: a batch after the first one holds such a label.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"label value of (-?\d+) .* valid range of \[0, (\d+)\)", str(error))
        if found is None:
            raise
        raise UserError(
            f"a label is {found[1]}; expected 0 to {int(found[2]) - 1}, the supernet having "
            f"{found[2]} outputs: count labels from 0, or make it with another num_classes"
        ) from error


def takes_of(supernet: Supernet, task: Task) -> data_check.Takes:
    """The inputs and outputs of a supernet; of one with a `call` of its own that is not known."""
    if type(supernet).call is not Supernet.call:
        return data_check.Takes(None, None, None)
    return data_check.Takes(
        supernet.signature,
        supernet.compute_output_shape,
        lambda inputs: task.call(supernet, inputs, training=False)[0],
    )


_NAMES = ("training data", "validation data")
