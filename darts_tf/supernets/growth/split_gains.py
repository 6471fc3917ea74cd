"""The gain that splitting each operation of a supernet promises, measured on a batch of its task.

A copy of every operation, with half of its weight, leaves the supernet as it is; moved by d and -d
the two are the split neurons of `darts_tf.supernets.growth.splitting`. The splitting matrices of
two operations have no entries between them for the reason that those of two units have none, so
that one product with a vector gives a column of all matrices of all operations at once.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.spaces import copies
from darts_tf.supernets.growth import splitting
from darts_tf.supernets.growth.changes import Change, halve
from darts_tf.supernets.growth.grow import grown
from darts_tf.supernets.growth.pairs import Place, operation_variables
from darts_tf.supernets.growth.splitting import Splitting
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task

# Eigenvalues that are smaller than so much of the largest one are rounding: those of operations
# that are linear in their parameters, which no split changes.
_ROUNDING = 1e-5


class SplitGains:
    """The splittings of all operations that have parameters.

    Args:
        found: by place, for each cell of its type a splitting and the shapes of the variables.
    """

    def __init__(self, found: Mapping[Place, Sequence[tuple[Splitting, Sequence]]]):
        self.found = dict(found)

    def ranked(self) -> list[tuple[Place, tuple[int, float]]]:
        """The places with the `Splitting.gain` of all cells together, the largest first."""
        gains = {
            place: Splitting(*map(np.hstack, zip(*(own for own, _ in of_cells), strict=True))).gain
            for place, of_cells in self.found.items()
        }
        return sorted(gains.items(), key=lambda one: one[1], reverse=True)

    def offsets(self, place: Place, length: float) -> list[list[np.ndarray]]:
        """How far the variables of an operation are moved; see `Duplicate`.

        Args:
            place: of the operation.
            length: of the offset of a unit whose eigenvalue is negative; the others stay.

        Returns:
            For every cell arrays of the shapes of the operation's variables.
        """
        moved = []
        for own, shapes in self.found[place]:
            borders = list(itertools.accumulate(map(_rows, shapes)))[:-1]
            parts = np.split(own.offsets(length), borders)
            moved.append([p.reshape(shape) for p, shape in zip(parts, shapes, strict=True)])
        return moved


def split_gains(supernet: Supernet, task: Task, batch, number: int = 0) -> SplitGains:
    """The gain that splitting each operation of a supernet promises.

    It takes as many products of the loss' Hessian with vectors as an operation has parameters a
    unit, and the memory of all matrices, units * parameters^2 numbers for each operation.

    Args:
        supernet: chains of two-input nodes.
        task: whose loss counts, without dropout and without what layers and penalties add.
        batch: of the task, such as windows and targets.
        number: see `darts_tf.supernets.growth.grow.planned`; decides nothing that is measured.
    """
    twins = grown(supernet, _EveryCopy(), number)
    problem = SupernetProblem(twins, task, traced=False)
    batch = tuple(batch) if isinstance(batch, list) else batch
    batch = task.from_the_start(twins, tf.nest.map_structure(tf.convert_to_tensor, batch))
    weights = [tf.convert_to_tensor(v) for v in twins.weight_variables]
    alphas = [tf.convert_to_tensor(v) for v in twins.architecture_variables]
    pairs, width = _pairs(supernet, twins)
    depth = max(sum(pair.rows) for pair in pairs)

    def loss(offset):
        moved = list(weights)
        for pair in pairs:
            parts = tf.split(offset[: sum(pair.rows), pair.columns], pair.rows)
            for first, second, part in zip(pair.original, pair.copy, parts, strict=True):
                part = tf.reshape(part, moved[first].shape)
                moved[first], moved[second] = moved[first] + part, moved[second] - part
        return problem.forward({WEIGHTS: moved, ARCHITECTURE: alphas}, batch).loss

    whole = splitting.steepest(splitting.matrices(loss, depth, width))
    least = _ROUNDING * np.abs(whole.eigenvalues).max(initial=0.0)
    values = np.where(np.abs(whole.eigenvalues) < least, 0.0, whole.eigenvalues)
    found: dict[Place, list] = {}
    for pair in pairs:
        rows = slice(sum(pair.rows))
        own = Splitting(values[pair.columns], whole.directions[rows, pair.columns])
        shapes = [tuple(weights[number].shape) for number in pair.original]
        found.setdefault(pair.place, []).append((own, shapes))
    return SplitGains(found)


@dataclasses.dataclass(frozen=True)
class _EveryCopy(Change):
    """One more copy of every operation that has parameters."""

    def space(self, space):
        candidates, operations = {}, dict.fromkeys(space.operations)
        for cell_type in space.cell_types:
            candidates[cell_type] = [list(names) for names in space.operations_on(cell_type)]
        for (cell_type, edge, copy), _ in self.origin(space).items():
            candidates[cell_type][edge].append(copy)
            operations[copy] = None
        return dataclasses.replace(space, operations=tuple(operations), edge_operations=candidates)

    def origin(self, space):
        found = {}
        for cell_type in space.cell_types:
            for edge, names in enumerate(space.operations_on(cell_type)):
                taken = list(names)
                for name in names:
                    taken.append(copies.next_copy(name, taken))
                    found[cell_type, edge, taken[-1]] = name
        return found

    def start(self, old, new, random):
        for (cell_type, edge, copy), name in self.origin(old.space).items():
            halve(new, cell_type, edge, name, copy)


class _Pair(NamedTuple):
    """An operation and its copy.

    Attributes:
        place: of the operation.
        original, copy: numbers of their variables among the supernet's weights.
        rows: of each variable, of which a vector has one.
        columns: of this operation's units among all.
    """

    place: Place
    original: list[int]
    copy: list[int]
    rows: list[int]
    columns: slice


def _rows(shape) -> int:
    """How many parameters of a unit a variable of this shape holds; units are the last axis."""
    return 1 if len(shape) == 1 else shape[0]


def _pairs(supernet: Supernet, twins: Supernet) -> tuple[list[_Pair], int]:
    """All pairs, and how many units they have together."""
    numbers = {id(variable): i for i, variable in enumerate(twins.weight_variables)}
    origin, found, start = _EveryCopy().origin(supernet.space), [], 0
    for cell in twins.cells:
        variables = operation_variables(cell, cell.cell_type)
        for place, name in origin.items():
            original = variables.get((*place[:2], name), [])
            if place[0] != cell.cell_type or not original:
                continue
            units = original[0].shape[-1]
            found.append(
                _Pair(
                    (*place[:2], name),
                    [numbers[id(v)] for v in original],
                    [numbers[id(v)] for v in variables[place]],
                    [_rows(v.shape) for v in original],
                    slice(start, start + units),
                )
            )
            start += units
    return found, start
