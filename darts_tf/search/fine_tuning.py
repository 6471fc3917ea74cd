"""Training a supernet a little more, between two decisions about its cells."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from darts_tf import selections, tasks
from darts_tf.common.errors import UserError
from darts_tf.methods.method import Method
from darts_tf.runtime import optimizers
from darts_tf.search.loop import Streams
from darts_tf.search.time_left import StepsLeft
from darts_tf.supernets.supernet import Supernet


class FineTuning:
    """Goes on searching for a few epochs in every call.

    As in DARTS-PT (Wang et al., ICLR 2021, and its code) the weights are trained by SGD with a
    constant learning rate, a tenth of the search's first one, and the alphas of undecided edges by
    the method's two levels. Schedules stay where they are. Works on one supernet.

    Args:
        method: the method of the search, `at_length` for the learning rate of its alphas, which is
            the paper's otherwise.
        train, validation: a function from the number of the epoch to batches, as for
            `ArchitectureSearch.fit`; the numbers count on from call to call.
        epochs: for each call.
        loss, task: as for `ArchitectureSearch`.
    """

    def __init__(
        self,
        method: Method,
        train: Callable[[int], tf.data.Dataset],
        validation: Callable[[int], tf.data.Dataset],
        epochs: int,
        loss: Callable | None = None,
        task=None,
    ):
        self._method = method
        self._data = train, validation
        self._epochs = epochs
        self._task = tasks.get(task, loss)
        self._search = None
        self._done = 0

    def __call__(self, supernet: Supernet) -> None:
        """Trains the supernet."""
        if self._search is None:
            self._search = self._make_search(supernet)
        first = self._done
        train, validation = (lambda epoch, data=data: data(first + epoch) for data in self._data)
        said = [StepsLeft("fine-tuning")]
        self._search.fit(train, validation, self._epochs, callbacks=said, verbose=0)
        self._done += self._epochs

    @property
    def steps(self) -> int:
        """How many training batches it has trained on."""
        return 0 if self._search is None else int(self._search.weight_optimizer.iterations)

    def _make_search(self, supernet):
        # A search makes this to select its cells.
        from darts_tf.search.architecture_search import ArchitectureSearch

        method = self._method
        if not supernet.architecture_variables:
            method = dataclasses.replace(method, gradient=None, gradient_options={})
        return ArchitectureSearch(
            supernet,
            dataclasses.replace(
                method.of_two_levels(),
                controls={},
                stages=(),
                rule=None,
                # Neither is this a search of its own length, nor does its selection look at the
                # operation weights.
                architecture_learning_rate=float(method.architecture_learning_rate),
                selection="removal",
            ),
            weight_optimizer=optimizers.SGD(
                method.weight_learning_rate[0] / 10,
                method.weight_momentum,
                **method.optimizer_options.get("weights", {}),
                l2=method.weight_decay,
            ),
            task=self._task,
        )


def between_decisions(selection, search, streams: Streams | None, epochs: int):
    """The selection, with the training of a search between its decisions if it decides by edge.

    Args:
        selection: a name in `darts_tf.selections`, or a selection.
        search: an `ArchitectureSearch`; the supernet's alphas go on with its learning rate.
        streams: the data that `fit` was given; None before it.
        epochs: between two decisions; 0 for no training.

    Raises:
        UserError: there are no data to train on.
    """
    chosen = selections.get(selection)
    if not epochs or getattr(chosen, "fine_tune", chosen) is not None:
        return selection
    if streams is None:
        raise UserError(
            f"the method {search.method.name!r} trains the supernet between its decisions, on the "
            "data that fit was given; call fit first, or give genotype() a selection whose "
            "fine_tune trains it, or fine_tune_epochs=0"
        )
    rate = tf.convert_to_tensor(search.architecture_optimizer.learning_rate)
    method = dataclasses.replace(search.method, architecture_learning_rate=float(rate))
    tuning = FineTuning(method, *streams, epochs, task=search.task)
    return dataclasses.replace(chosen, fine_tune=tuning)
