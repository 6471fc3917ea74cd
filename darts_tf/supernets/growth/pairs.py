"""Which variables of a supernet go on as which ones of a grown supernet."""

from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np

from darts_tf.cells.cell import MixedCell
from darts_tf.cells.recurrent.two_input_mixed_cell import RelaxedTwoInputCell
from darts_tf.common.errors import UserError
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet

#: An operation on an edge: (cell type, number of the edge, name).
Place = tuple[str, int, str]
#: Old variable, new variable, and the change of the array, see `darts_tf.search.state.Pair`.
Pairs = list[tuple[keras.Variable, keras.Variable, Callable | None]]


def operation_variables(cell, cell_type: str) -> dict[Place, list[keras.Variable]]:
    """The variables of every operation of a cell, by their places.

    Raises:
        UserError: the cell computes edges together, or is of a kind that does not grow.
    """
    found = {}
    if isinstance(cell, RelaxedTwoInputCell):
        inner = cell.recurrent.cell
        for node, names in enumerate(inner.candidates):
            for name, own in zip(names, inner.parameters[node], strict=True):
                found[cell_type, node, name] = [v for v in own if v is not None]
    elif isinstance(cell, MixedCell) and not cell.auxiliary_skip:
        for number, edge in enumerate(cell.edges):
            for name, layer in zip(edge.operations, edge.candidates, strict=True):
                found[cell_type, number, name] = list(layer.variables)
    else:
        raise UserError(
            f"a supernet of {type(cell).__name__} cells cannot grow: that takes cells of a "
            "two-input space, or plain ones (batched=False) without auxiliary skip connections"
        )
    return found


def pairs(old: Supernet, new: Supernet, origin: Mapping[Place, str]) -> Pairs:
    """The pairs of variables along which a grown supernet goes on.

    What takes the outputs of cells has more input channels where those have more nodes: zeros are
    put behind the old ones, so that the new nodes' outputs go nowhere yet.

    Args:
        old, new: the supernets; the space of the new one has the edges and operations of the old
            one first, and perhaps more behind them.
        origin: places of the new supernet that are copies -> the old operation of the same edge.
    """
    found = []
    for mine, its in zip(old.parts, new.parts, strict=True):
        if mine not in old.cells:
            found += _in_order(mine.variables, its.variables)
            continue
        before, after = (operation_variables(c, mine.cell_type) for c in (mine, its))
        found += _in_order(_others(mine, before), _others(its, after))
        for place, variables in after.items():
            source = (*place[:2], origin.get(place, place[2]))
            if source in before:
                found += _in_order(before[source], variables)
    return found + list(_of_architecture(old, new, origin))


def _others(cell, operations) -> list[keras.Variable]:
    """The variables of a cell that belong to no operation: those of the preprocessing."""
    of_operations = {id(v) for variables in operations.values() for v in variables}
    return [v for v in cell.variables if id(v) not in of_operations]


def _in_order(old, new) -> Pairs:
    return [(a, b, zeros_behind(b.shape)) for a, b in zip(old, new, strict=True)]


def zeros_behind(shape) -> Callable:
    """The change of an array into one of another shape, with zeros behind it where it is longer."""

    def change(value):
        return np.pad(value, [(0, n - m) for m, n in zip(value.shape, shape, strict=True)])

    return change


def _of_architecture(old: Supernet, new: Supernet, origin) -> Iterator[tuple]:
    for cell_type, variables in new.architecture.parameters.items():
        change = matrix_change(old.space, new.space, cell_type, origin)
        for name, variable in variables.items():
            of_edges = variable.shape[1] == 1 < len(new.space.operations)
            fitting = zeros_behind(variable.shape) if of_edges else change
            yield old.architecture.parameters[cell_type][name], variable, fitting
    for name, variable in new.architecture.controls.items():
        yield old.architecture.controls[name], variable, None


def matrix_change(
    old: Space, new: Space, cell_type: str, origin: Mapping[Place, str]
) -> Callable[[np.ndarray], np.ndarray]:
    """The change of `[edges, operations]` of a space to that of a grown one.

    A copy has the entry of what it is a copy of, what is new has 0.

    Args:
        old, new: the spaces.
        cell_type: of the matrix.
        origin: see `pairs`.
    """
    edges = [old.edges.index(e) if e in old.edges else None for e in new.edges]

    def change(value):
        found = np.zeros((len(edges), len(new.operations)), value.dtype)
        for row, edge in enumerate(edges):
            for column, name in enumerate(new.operations):
                source = origin.get((cell_type, row, name), name)
                if edge is not None and source in old.operations:
                    found[row, column] = value[edge, old.operations.index(source)]
        return found

    return change
