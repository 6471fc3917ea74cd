"""The expected cost of an architecture, a differentiable function of the operation weights.

The expected cost is the sum over all cells, edges and operations of weight * cost, as in SNAS (Xie
et al., ICLR 2019, section 2.4) and ProxylessNAS (Cai et al., ICLR 2019, section 3.3). It is linear
in the weights, and at one-hot weights it is the cost of the derived network.
"""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from darts_tf import macros, operations, spaces
from darts_tf.common.errors import UserError
from darts_tf.common.lookup import lookup
from darts_tf.costs import counted
from darts_tf.costs.latency import Latencies

KINDS = ("parameters", "flops", "latency", "snas")

# The cost of a layer, by its name, its factory and the shape of its input without the batch.
Measure = Callable[[str, Callable[[], keras.layers.Layer], tuple[int, ...]], float]


@dataclasses.dataclass(frozen=True)
class CostTable:
    """The cost of every operation of a space in a network of a given size.

    Attributes:
        operations: cell type -> `[edges, operations]`, summed over all cells of that type, or
            their mean.
        fixed: cost of all that no choice changes: stem, preprocessing, head and what stands
            between cells.
    """

    operations: dict[str, np.ndarray]
    fixed: float

    def expected(self, mixture: Mapping):
        """The expected cost, a float32 scalar, differentiable in the weights.

        Args:
            mixture: cell type -> operation weights `[edges, operations]`.
        """
        terms = [
            tf.reduce_sum(tf.cast(mixture[cell_type], tf.float32) * tf.constant(costs, tf.float32))
            for cell_type, costs in self.operations.items()
        ]
        return tf.add_n(terms) + self.fixed

    def penalty(self, space: spaces.Space, weight: float) -> Callable[[Mapping], tf.Tensor]:
        """The term to add to the loss: `weight` times the expected cost of all choices.

        The unit is the cost of equal weights on every edge's candidates, so that one weight means
        much the same for parameters, multiply-adds and milliseconds.

        Args:
            space: the search space.
            weight: of the cost in the loss.
        """
        equal = equal_weights(space)
        unit = sum(float((equal[name] * costs).sum()) for name, costs in self.operations.items())
        scale = weight / unit if unit else 0.0
        return lambda mixture: scale * (self.expected(mixture) - self.fixed)


def equal_weights(space: spaces.Space) -> dict[str, np.ndarray]:
    """Cell type -> `[edges, operations]`: equal weights of every edge's candidates."""
    masks = {cell_type: space.mask(cell_type) for cell_type in space.cell_types}
    return {name: mask / mask.sum(axis=1, keepdims=True) for name, mask in masks.items()}


def table(
    space: str,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    cells: int | None = None,
    *,
    measure: Measure,
    mean: bool = False,
) -> CostTable:
    """Measures every operation of a space where the derived network would have it.

    Args:
        space: the name of a search space, or a `Space`, which may have another macro network.
        input_shape, num_classes, channels, cells: of the network, as in `Supernet`.
        measure: what an operation costs, see `measure`.
        mean: whether to take the mean over the cells of a type, as SNAS does, instead of the sum.

    Raises:
        UserError: there is no such network.
    """
    by_cell, fixed = costs_by_cell(
        space, input_shape, num_classes, channels, cells, measure=measure
    )
    combine = np.mean if mean else np.sum
    return CostTable(
        {
            cell_type: combine(costs, axis=0) if len(costs) else np.zeros(costs.shape[1:])
            for cell_type, costs in by_cell.items()
        },
        fixed,
    )


def costs_by_cell(
    space: str,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    cells: int | None = None,
    *,
    measure: Measure,
) -> tuple[dict[str, np.ndarray], float]:
    """As `table`, for every cell by itself.

    Returns:
        Cell type -> `[cells of that type, edges, operations]`, and the cost of all that no choice
        changes.
    """
    space = spaces.get(space)
    macro = macros.get(space.macro)
    channels = macro.search_size[0] if channels is None else channels
    cells = macro.search_size[1] if cells is None else cells
    tally = _Tally(space, measure)
    stem = macro.stem(channels)

    def run(part, taken):
        if macros.is_plan(part):
            return tally.cell(part, taken)
        return tally.fixed_layer(f"reduction_{taken[-1]}", lambda: part, taken)

    first = macros.first_inputs(stem, tally.fixed_layer("stem", lambda: stem, tuple(input_shape)))
    last = macros.walk(macro.parts(channels, cells), first, space.inputs, run)
    tally.fixed_layer("head", lambda: macro.head(num_classes), last)
    shape = -1, len(space.edges), len(space.operations)
    return {name: np.reshape(costs, shape) for name, costs in tally.costs.items()}, tally.fixed


class _Tally:
    """Writes down the costs of a network's parts.

    Args:
        space: the search space.
        measure: the cost of a layer. Asked once for every kind of layer and shape.
    """

    def __init__(self, space: spaces.Space, measure: Measure):
        self.space = space
        self.costs = {cell_type: [] for cell_type in space.cell_types}
        self.fixed = 0.0
        self._measure = measure
        self._known = {}

    def _cost(self, key, make, shape) -> float:
        if (key, shape) not in self._known:
            self._known[key, shape] = self._measure(key, make, shape)
        return self._known[key, shape]

    def fixed_layer(self, key, make, shape):
        """Adds a layer that no choice changes; returns the shape of its output, or of both."""
        self.fixed += self._cost(key, make, shape)
        found = make().compute_output_shape((None, *shape))
        if getattr(make(), "pair", False):
            return tuple(tuple(one[1:]) for one in found)
        return tuple(found[1:])

    def cell(self, plan: macros.CellPlan, shapes):
        """Adds a cell; returns the shape of its output."""
        space = self.space
        inside = [self._preprocess(plan, shapes, i) for i in range(len(shapes))]
        cell_type = space.cell_type_of(plan.reduction)
        costs = np.zeros((len(space.edges), len(space.operations)))
        self.costs[cell_type].append(costs)
        steps = 2 if plan.reduction else 1
        node = (*(-(-n // steps) for n in inside[-1][:-1]), plan.channels)
        inside += [node] * space.nodes
        candidates = space.operations_on(cell_type)
        for e, edge in enumerate(space.edges):
            strides = steps if edge.source < space.inputs else 1
            for name in candidates[e]:
                k = space.operations.index(name)
                costs[e, k] = self._operation(name, plan.channels, strides, inside[edge.source])
        return (*node[:-1], plan.channels * len(space.concat))

    def _preprocess(self, plan, shapes, i):
        names = self.space.preprocess
        if names is None:
            return shapes[i]
        halves = plan.reduction_before and i < len(shapes) - 1
        name, strides = names[1 if halves else 0], 2 if halves else 1
        self.fixed += self._operation(name, plan.channels, strides, shapes[i])
        return (*(-(-n // strides) for n in shapes[i][:-1]), plan.channels)

    def _operation(self, name, channels, strides, shape) -> float:
        key = f"{name} to {channels} channels, strides {strides}"
        return self._cost(key, lambda: operations.create(name, channels, strides=strides), shape)


def measure_parameters(key, make, shape) -> float:
    """Trained weights of a layer."""
    return float(counted.parameters(counted.model_of(make, shape)))


def measure_flops(key, make, shape) -> float:
    """Multiply-adds of a layer for one example."""
    return float(counted.multiply_adds(counted.model_of(make, shape)))


def measure_snas(key, make, shape) -> float:
    """The cost of a layer in SNAS' resource constraint."""
    return counted.snas_cost(*snas_resources(make, shape))


def snas_resources(make, shape) -> tuple[int, int, int]:
    """The resources of a layer in SNAS' constraint, see `counted.snas_resources`."""
    layer = make()
    if isinstance(layer, operations.Identity):
        # Nothing is computed, but the state is read and written.
        return 0, 0, 2 * int(np.prod(shape))
    return counted.snas_resources(counted.model_of(lambda: layer, shape))


def measure(kind: str, latencies: Latencies | None = None) -> Measure:
    """The measure of that name.

    Args:
        kind: one of `KINDS`.
        latencies: for "latency".

    Returns:
        A function of a layer's name, its factory and its input's shape, see `Measure`.

    Raises:
        UserError: there is no such kind, or "latency" comes without a table.
    """
    if kind == "latency" and latencies is None:
        raise UserError("the cost 'latency' needs a latency table; python -m train.latency")
    found = {
        "parameters": measure_parameters,
        "flops": measure_flops,
        "snas": measure_snas,
    }
    found["latency"] = latencies.measure if latencies else None
    return lookup("cost", found, kind)
