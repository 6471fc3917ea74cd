"""Steps of a search or a training as the library runs them, written down, and as a program."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from darts_tf.benchmark import lowering
from darts_tf.common.errors import UserError
from darts_tf.layers.drop_path import DropPath
from darts_tf.networks import training
from darts_tf.search.architecture_search import ArchitectureSearch


@dataclasses.dataclass
class Record:
    """Some steps in a row.

    Attributes:
        batches: of each step, its arrays.
        names: of the variables that there are before, group/path.
        before, after: their values before the first step and after the last one.
        results: name -> what each step returned or logged.
    """

    batches: list[list[np.ndarray]] = dataclasses.field(default_factory=list)
    names: list[str] = dataclasses.field(default_factory=list)
    before: list[np.ndarray] = dataclasses.field(default_factory=list)
    after: list[np.ndarray] = dataclasses.field(default_factory=list)
    results: dict[str, list] = dataclasses.field(default_factory=dict)

    def add(self, results: Mapping) -> None:
        """Notes the results of a step."""
        for name, value in results.items():
            self.results.setdefault(name, []).append(np.asarray(value))


class _Interrupted(Exception):
    """The first step was about to begin."""


@dataclasses.dataclass
class _Witness:
    """Stands in for a `TrainFunction`: writes down each call, or interrupts the first one."""

    function: Callable
    search: ArchitectureSearch
    record: Record
    steps: int
    interrupts: bool

    def __getattr__(self, name):
        return getattr(self.function, name)

    def __call__(self, train_batch, validation_batch, frozen):
        record, batches = self.record, (train_batch, validation_batch)
        groups = groups_of_search(self.search)
        record.batches.append([tensor.numpy() for tensor in tf.nest.flatten(batches)])
        if not record.names:
            record.names, record.before = names(groups), values(groups)
        if self.interrupts:
            self.structure, self.frozen = tf.nest.map_structure(lambda _: 0, batches), frozen
            raise _Interrupted
        norms, complete, entropies = self.function(*batches, frozen)
        signs = {"gradient_norms": norms, "complete": complete, "entropies": entropies}
        record.add(signs | self.function.logs(frozen))
        if len(record.batches) == self.steps:
            record.after = values(groups)
            self.search.stop()
        return norms, complete, entropies


class _Watch(keras.callbacks.Callback):
    """Puts a `_Witness` in place as soon as there is a step."""

    def __init__(self, search, record, steps, interrupts):
        super().__init__()
        self._search = search
        self._settings = search, record, steps, interrupts

    def on_train_begin(self, logs=None):
        self.witness = _Witness(self._search.trainer.train_function, *self._settings)
        self._search.trainer.train_function = self.witness


def groups_of_search(search: ArchitectureSearch) -> dict[str, list[keras.Variable]]:
    """All variables of a search that has begun, by what they are."""
    supernet, groups = search.supernet, dict(search.trainer.variables)
    own = {"weights": supernet.weight_variables, "alphas": supernet.architecture_variables}
    known = {id(v) for variables in own.values() for v in variables}
    rest = [v for v in groups.pop("supernet") if id(v) not in known]
    return own | {"statistics": rest} | groups


def groups_of_network(network: keras.Model) -> dict[str, list[keras.Variable]]:
    """All variables of a network that is trained, by what they are."""
    groups = {
        "weights": network.trainable_variables,
        "statistics": network.non_trainable_variables,
        "weight_optimizer": network.optimizer.variables,
        "metrics": network.metrics_variables,
    }
    known = set()
    for name, variables in groups.items():
        groups[name] = [v for v in variables if id(v) not in known]
        known |= {id(v) for v in variables}
    return groups


def names(groups: Mapping) -> list[str]:
    """Group/path of every variable."""
    return [f"{group}/{v.path}" for group, variables in groups.items() for v in variables]


def values(groups: Mapping) -> list[np.ndarray]:
    """The array of every variable."""
    return [v.numpy() for variables in groups.values() for v in variables]


def _all(groups) -> list[keras.Variable]:
    return [v for variables in groups.values() for v in variables]


def record_search(
    make: Callable[[], ArchitectureSearch], data: Callable[[], tuple], steps: int
) -> Record:
    """The steps of `ArchitectureSearch.fit`.

    Args:
        make: the search.
        data: its training and validation batches, as many as there are steps.
        steps: how many.
    """
    record, search = Record(), make()
    search.fit(*data(), callbacks=[_Watch(search, record, steps, False)], verbose=0)
    return record


def lower_search(
    make: Callable[[], ArchitectureSearch], data: Callable[[], tuple]
) -> tuple[lowering.Program, Record]:
    """The step that `ArchitectureSearch.fit` is about to run, and what there is before it.

    Args:
        make, data: as for `record_search`; the search must be a new one, because what has been
            traced stays as it is.

    Raises:
        UserError: see `lowering.lower`.
    """
    record, search = Record(), make()
    watch = _Watch(search, record, 1, True)
    with contextlib.suppress(_Interrupted):
        search.fit(*data(), callbacks=[watch], verbose=0)
    witness = watch.witness

    def step(tensors):
        batches = tf.nest.pack_sequence_as(witness.structure, tensors)
        return witness.function.results(*batches, witness.frozen)

    groups = groups_of_search(search)
    return lowering.lower(step, record.batches[0], _all(groups)), record


def as_keras_takes(network: keras.Model, batch) -> tuple:
    """Images and labels as `fit` takes them, with the targets of every head."""
    images, labels = batch
    if isinstance(network.output, dict):
        labels = {"logits": labels, "auxiliary": labels}
    return images, labels


class _Steps(keras.callbacks.Callback):
    """Writes down the steps of `train_network`, or interrupts the first one."""

    def __init__(self, network, record, steps, interrupts, drop_path):
        super().__init__()
        self._network = network
        self._record = record
        self._steps = steps
        self._interrupts = interrupts
        self._drop_path = drop_path

    def on_train_begin(self, logs=None):
        # Else the metrics' variables would only come with the first step.
        data = as_keras_takes(self._network, self._record.batches[0])
        self._network._symbolic_build(data_batch=data)

    def on_epoch_begin(self, epoch, logs=None):
        # The schedule begins with a rate of 0, at which nothing that is drawn matters.
        for layer in self._network._flatten_layers():
            if isinstance(layer, DropPath):
                layer.rate.assign(self._drop_path)

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            groups = groups_of_network(self._network)
            self._record.names, self._record.before = names(groups), values(groups)
            if self._interrupts:
                raise _Interrupted

    def on_train_batch_end(self, batch, logs=None):
        self._record.add(logs)
        if batch == self._steps - 1:
            self._record.after = values(groups_of_network(self._network))
            self._network.stop_training = True


#: Recipe of the steps of a training.
RECIPE = training.Recipe(epochs=1)
# As in the middle of a training.
_DROP_PATH = RECIPE.drop_path / 2


def record_training(make: Callable[[], keras.Model], batches: list[list[np.ndarray]]) -> Record:
    """The steps of `train_network`, with the drop path of the middle of a training.

    Args:
        make: the network.
        batches: images and labels of each step.
    """
    record, network = Record(batches), make()
    _train(network, record, interrupts=False)
    return record


def _train(network, record, interrupts) -> None:
    batches = tuple(np.stack(arrays) for arrays in zip(*record.batches, strict=True))
    data = tf.data.Dataset.from_tensor_slices(batches)
    watch = _Steps(network, record, len(record.batches), interrupts, _DROP_PATH)
    training.train_network(network, lambda epoch: data, RECIPE, extra_callbacks=[watch])


def lower_training(
    make: Callable[[], keras.Model], batches: list[list[np.ndarray]]
) -> tuple[lowering.Program, Record]:
    """The step that `train_network` is about to run, and what there is before it.

    Args:
        make, batches: as for `record_training`; the network must be a new one.

    Raises:
        UserError: see `lowering.lower`.
    """
    record, network = Record(batches), make()
    with contextlib.suppress(_Interrupted):
        _train(network, record, interrupts=True)

    def step(tensors):
        return network.train_step(as_keras_takes(network, tensors))

    groups = groups_of_network(network)
    return lowering.lower(step, batches[0], _all(groups)), record


def check_same(lowered: Record, recorded: Record) -> None:
    """The program has to be of the very search or network whose steps were recorded.

    Raises:
        UserError: it is not.
    """
    pairs = zip(lowered.before, recorded.before, strict=True)
    if not all(np.array_equal(x, y) for x, y in pairs):
        raise UserError(
            "two searches or networks that were made with the same seed differ before their first "
            "step, so a program of one cannot be compared with steps of the other; leave out what "
            "is not deterministic"
        )
