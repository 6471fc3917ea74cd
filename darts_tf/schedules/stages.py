"""Searches in stages, each with a deeper network and fewer operations, as in P-DARTS."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from darts_tf.schedules.transitions import NextStage
from darts_tf.spaces import Space, check_operation_weights


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of a search: a new supernet with new architecture variables.

    Only the candidates that the stage before has kept carry over (Chen, Xie, Wu, Tian, ICCV 2019,
    section 3.3).

    Attributes:
        cells: number of cells of the supernet.
        keep: how many operations of each edge the next stage gets; None for the last stage, after
            which the method's selection chooses.
        skip_dropout: the rate that the dropout behind skip connections starts with, 0 for none.
    """

    cells: int
    keep: int | None = None
    skip_dropout: float = 0.0


def keep_largest(
    space: Space, weights: Mapping[str, np.ndarray], keep: int
) -> dict[str, list[list[str]]]:
    """The candidates of every edge that weigh most, `none` among them if it does.

    Args:
        space: the search space of the stage that is over.
        weights: cell type -> its operation weights `[edges, operations]`, from 0 to 1, no alphas.
        keep: how many stay on every edge. Of equal weights the later operation stays, as in the
            authors' code.

    Returns:
        `edge_operations` of the next stage's `Supernet`.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    kept = {}
    for cell_type, values in check_operation_weights(space, weights).items():
        mask = space.mask(cell_type)
        order = np.where(mask, values, -np.inf).argsort(axis=-1, kind="stable")[:, ::-1]
        kept[cell_type] = [
            [space.operations[k] for k in sorted(row[: min(keep, n)].tolist())]
            for row, n in zip(order, mask.sum(-1), strict=True)
        ]
    return kept


def next_stage(
    stages: Sequence[Stage], number: int, space: Space, weights: Mapping[str, np.ndarray]
) -> NextStage | None:
    """The stage after one that is over; None after the last one.

    Args:
        stages: of the whole search.
        number: of the stage that is over, from 0.
        space: its search space.
        weights: cell type -> its operation weights `[edges, operations]` at its end.
    """
    if number + 1 >= len(stages):
        return None
    keep = stages[number].keep or len(space.operations)
    return NextStage(number + 1, keep_largest(space, weights, keep))
