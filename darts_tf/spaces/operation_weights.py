"""Checks of operation weights; alphas are none."""

from collections.abc import Mapping

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.spaces.space import Space

# Of sums of float32 numbers, such as a softmax.
_ROUNDING = 1e-5


def check_operation_weights(space: Space, weights: Mapping) -> dict[str, np.ndarray]:
    """The operation weights of every cell type, as arrays `[edges, operations]`.

    They are what `ArchitectureSearch.operation_weights` gives: numbers from 0 to 1, for DARTS the
    softmax of the alphas. Alphas in their place are refused, because they order the operations of
    an edge as their softmax does, but not the edges of a node: another cell would be chosen.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`.

    Raises:
        UserError: a cell type is missing, an array has another shape, or a number is not from 0
            to 1.
    """
    missing = [cell_type for cell_type in space.cell_types if cell_type not in weights]
    if missing:
        raise UserError(
            f"operation weights: the {missing[0]} cell is missing; expected an array for each of "
            f"{', '.join(space.cell_types)}, got {', '.join(map(str, weights)) or 'none'}"
        )
    shape = (len(space.edges), len(space.operations))
    arrays = {name: np.asarray(weights[name]) for name in space.cell_types}
    for name, values in arrays.items():
        if values.shape != shape:
            raise UserError(
                f"operation weights of the {name} cell: expected the shape [{shape[0]} edges, "
                f"{shape[1]} operations], got {list(values.shape)}"
            )
        check_range(name, values)
    return arrays


def check_range(cell_type: str, values: np.ndarray) -> None:
    """Refuses numbers that are no operation weights.

    Args:
        cell_type: for the message.
        values: an array of any shape.

    Raises:
        UserError: a number is not finite, below 0 or above 1.
    """
    if not np.isfinite(values).all():
        raise UserError(f"operation weights of the {cell_type} cell: not every number is finite")
    low, high = np.min(values, initial=0.0), np.max(values, initial=1.0)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise UserError(
            f"operation weights of the {cell_type} cell: expected numbers from 0 to 1, got "
            f"{low if low < -_ROUNDING else high:.4g}; are these alphas? Take what "
            "search.operation_weights() gives, for DARTS the softmax of the alphas"
        )
