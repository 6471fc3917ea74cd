"""A cell search space as the hyperparameters of Keras Tuner."""

import itertools
from collections.abc import Iterable, Sequence

import keras
import keras_tuner

from darts_tf import spaces, tasks
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.layers.keras_settings import check_floatx
from darts_tf.networks.network import build_network
from darts_tf.runtime.recalibration import BeforeValidation, Recalibration, some_batches
from darts_tf.tasks.keras_loss import TaskLoss


class CellHyperModel(keras_tuner.HyperModel):
    """The networks of a search space, for any discrete tuner of Keras Tuner.

    The hyperparameters of a cell are, for every node, `normal/node_3/inputs`, the nodes that its
    edges come from (such as "0,2"), and for each of these `normal/node_3/operation_from_2`, the
    operation on that edge, which is active only if the edge is there; the numbers are those of
    `darts_tf.spaces.node_names`. (Trials of earlier versions, which counted the intermediate nodes
    from `node_0`, are read as they meant it, and go on so.) A node that keeps all its
    edges (NAS-Bench-201) has no choice of inputs. Drawing every choice uniformly is
    `darts_tf.genotypes.sample`, so `keras_tuner.RandomSearch` is the random search that Liu,
    Simonyan, Yang, ICLR 2019, compare with.

    Args:
        space: the name of a search space, or a `Space` of your own. One that holds cells which were
            found elsewhere (NASNet) can be searched here too, as far as its nodes take different
            inputs.
        input_shape: `(height, width, channels)` of an image, or what else the space's operations
            take.
        num_classes: number of logits.
        channels: channels of the first cell; several are the hyperparameter `channels`. None for
            the macro network's own (DARTS: 36).
        cells: number of cells; several are the hyperparameter `cells`. None for the macro network's
            own (DARTS: 20).
        learning_rate: of Adam; a pair (least, greatest) is the hyperparameter `learning_rate`, on a
            logarithmic scale. A tuner's own `optimizer` replaces it.
        name: the hypermodel's name.
        task: its loss and metrics, see `darts_tf.tasks`; default: the classification of images.
        stem: see `build_network`.

    Raises:
        UserError: an argument is out of its range.

    Example:
        >>> hypermodel = CellHyperModel("darts_cnn", (32, 32, 3), 10, channels=(8, 16), cells=5)
        >>> tuner = keras_tuner.RandomSearch(hypermodel, "val_accuracy", max_trials=20)
        >>> tuner.search(images, labels, validation_split=0.2, epochs=10)
        >>> hypermodel.genotype(tuner.get_best_hyperparameters()[0]).save("genotype.json")
    """

    def __init__(
        self,
        space: str | spaces.Space,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        channels: int | Sequence[int] | None = None,
        cells: int | Sequence[int] | None = None,
        learning_rate: float | tuple[float, float] = 1e-3,
        name: str | None = None,
        task=None,
        stem: str = "cifar",
    ):
        super().__init__(name=name)
        self.stem = stem
        self.task = tasks.get(task)
        self.space = spaces.get(space)
        self.input_shape = tuple(input_shape)
        self.num_classes = num_classes
        self._sizes = {
            "channels": _options("channels", channels),
            "cells": _options("cells", cells),
        }
        self._learning_rate = _check_rates(learning_rate)
        self._known = {}
        for first in (0, self.space.inputs):
            hp = keras_tuner.HyperParameters()
            self._declare(hp, first)
            self._known[first] = _names(hp)

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters) -> None:
        """Names every hyperparameter; those that are there already keep their values."""
        self._declare(hp, self._first(_names(hp)))

    def _declare(self, hp, first: int):
        for cell_type in self.space.cell_types:
            for node in range(self.space.nodes):
                self._declare_node(hp, f"{cell_type}/node_{first + node}", cell_type, node)
        for name, options in self._sizes.items():
            if len(options) > 1:
                hp.Choice(name, options)
        if isinstance(self._learning_rate, tuple):
            hp.Float("learning_rate", *self._learning_rate, sampling="log")

    def hyperparameters(self, genotype: Genotype | None = None) -> keras_tuner.HyperParameters:
        """All hyperparameters, with the values of a genotype or, without one, the first of each.

        Raises:
            UserError: the genotype is none that the hyperparameters can describe: it is of another
                space, a node has another number of inputs or one of them twice, an operation is no
                choice of its edge, or not all nodes are concatenated.
        """
        hp = keras_tuner.HyperParameters()
        if genotype is not None:
            hp.values.update(self.values(genotype))
        self.declare_hyperparameters(hp)
        return hp

    def values(self, genotype: Genotype, like: Iterable[str] = ()) -> dict[str, str]:
        """The values of the hyperparameters that describe a genotype; see `hyperparameters`.

        The order of the edges into a node, which has no meaning, is not among them.

        Args:
            genotype: the genotype.
            like: names of hyperparameters, perhaps of an earlier version, that these join.
        """
        first = self._first(like)
        if genotype.space != self.space.name:
            raise UserError(
                f"the genotype is of the space {genotype.space!r}, the hyperparameters are those "
                f"of {self.space.name!r}; make a CellHyperModel({genotype.space!r}, ...)"
            )
        values = {}
        for cell_type, cell in genotype.cells.items():
            if sorted(cell.concat) != list(self.space.concat):
                raise UserError(
                    f"the output of the cell {cell_type!r} is of the nodes {list(cell.concat)}, "
                    f"but the hyperparameters describe cells with {list(self.space.concat)}"
                )
            for node, edges in enumerate(cell.nodes):
                name = f"{cell_type}/node_{first + node}"
                values |= self._values_of_node(name, cell_type, node, edges)
        return values

    def genotype(self, hp: keras_tuner.HyperParameters) -> Genotype:
        """The genotype that hyperparameters describe; the edges of a node ordered by source.

        Raises:
            UserError: a hyperparameter is missing.
        """
        first, cells = self._first(_names(hp)), {}
        for cell_type in self.space.cell_types:
            nodes = []
            for node in range(self.space.nodes):
                name = f"{cell_type}/node_{first + node}"
                subsets = self._inputs(cell_type, node)
                inputs = subsets[0]
                if len(subsets) > 1:
                    inputs = _value(hp, f"{name}/inputs")
                nodes.append(
                    [
                        Edge(_value(hp, f"{name}/operation_from_{source}"), int(source))
                        for source in inputs.split(",")
                    ]
                )
            cells[cell_type] = CellGenotype(nodes, self.space.concat)
        return Genotype(self.space, cells)

    def size(self, hp: keras_tuner.HyperParameters) -> tuple[int | None, int | None]:
        """Channels and cells of the network that hyperparameters describe."""
        return tuple(
            _value(hp, name) if len(options) > 1 else options[0]
            for name, options in self._sizes.items()
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The network, compiled with the loss and the metrics of the task."""
        # A tuner builds the network anew for every condition that it sees here, and one that
        # declared the hyperparameters needs to see none.
        names = _names(hp)
        if self._known[self._first(names)] - names:
            self.declare_hyperparameters(hp)
        hp.ensure_active_values()
        check_floatx()
        network = build_network(
            self.genotype(hp), self.input_shape, self.num_classes, *self.size(hp), stem=self.stem
        )
        rate = self._learning_rate
        network.compile(
            keras.optimizers.Adam(_value(hp, "learning_rate") if isinstance(rate, tuple) else rate),
            TaskLoss(self.task),
            weighted_metrics=[metric() for metric in self.task.metrics()],
        )
        return network

    def fit(self, hp, model: keras.Model, *args, **kwargs):
        """`model.fit`, with moving statistics that are measured before every validation.

        After few steps those of training are not yet the network's; see
        `darts_tf.runtime.recalibration`.
        """
        x = args[0] if args else kwargs.get("x")
        size = kwargs.get("batch_size") or 32
        own = BeforeValidation(Recalibration(model), lambda: some_batches(x, size))
        kwargs["callbacks"] = [*(kwargs.get("callbacks") or ()), own]
        return super().fit(hp, model, *args, **kwargs)

    def _first(self, names: Iterable[str]) -> int:
        """Where the numbers of intermediate nodes begin in the names of hyperparameters."""
        prefixes = tuple(f"{cell_type}/node_0/" for cell_type in self.space.cell_types)
        return 0 if any(name.startswith(prefixes) for name in names) else self.space.inputs

    def _declare_node(self, hp, name, cell_type, node):
        subsets = self._inputs(cell_type, node)
        if len(subsets) > 1:
            hp.Choice(f"{name}/inputs", subsets)
        for source, names in self._candidates(cell_type, node).items():
            within = [subset for subset in subsets if str(source) in subset.split(",")]
            only_if = {}
            if len(within) < len(subsets):
                only_if = {
                    "parent_name": f"{name}/inputs",
                    "parent_values": within,
                }
            hp.Choice(f"{name}/operation_from_{source}", names, **only_if)

    def _candidates(self, cell_type, node) -> dict[int, list[str]]:
        """Source -> the operations that may be chosen on the edge from it."""
        space, names = self.space, self.space.choosable_on(cell_type)
        return {space.edges[e].source: list(names[e]) for e in space.edges_into(node) if names[e]}

    def _inputs(self, cell_type, node) -> list[str]:
        """The sets of nodes that the edges into a node may come from, as text."""
        sources = sorted(self._candidates(cell_type, node))
        kept = min(self.space.edges_per_node or len(sources), len(sources))
        return [",".join(map(str, subset)) for subset in itertools.combinations(sources, kept)]

    def _values_of_node(self, name, cell_type, node, edges) -> dict[str, str]:
        subsets = self._inputs(cell_type, node)
        inputs = ",".join(str(source) for source in sorted(edge.source for edge in edges))
        if inputs not in subsets:
            raise UserError(
                f"node {self.space.inputs + node} of the cell {cell_type!r} has the inputs "
                f"{inputs or 'none at all'}; "
                f"the hyperparameters can describe {' or '.join(subsets)}"
            )
        values = {f"{name}/inputs": inputs} if len(subsets) > 1 else {}
        candidates = self._candidates(cell_type, node)
        for operation, source in edges:
            if operation not in candidates[source]:
                raise UserError(
                    f"the operation {operation!r} in node {self.space.inputs + node} of the cell "
                    f"{cell_type!r} is no choice there; expected one of "
                    + ", ".join(candidates[source])
                )
            values[f"{name}/operation_from_{source}"] = operation
        return values


def _names(hp) -> set[str]:
    return {parameter.name for parameter in hp.space}


def _value(hp, name):
    if name not in hp:
        raise UserError(
            f"the hyperparameter {name!r} has no value; are these hyperparameters of the same "
            "CellHyperModel?"
        )
    return hp.get(name)


def _options(name, given) -> list:
    """One value or several, as a list."""
    options = list(given) if isinstance(given, Sequence) else [given]
    wrong = [x for x in options if not (x is None and len(options) == 1) and not _is_count(x)]
    if wrong or not options:
        raise UserError(f"{name} is {given!r}; expected a whole number above 0, or several")
    return options


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _check_rates(given):
    rates = tuple(given) if isinstance(given, Sequence) else (given,)
    if len(rates) > 2 or not all(rate > 0 for rate in rates) or list(rates) != sorted(set(rates)):
        raise UserError(
            f"learning_rate is {given!r}; expected a number above 0, or the least and the greatest"
        )
    return rates if len(rates) == 2 else rates[0]
