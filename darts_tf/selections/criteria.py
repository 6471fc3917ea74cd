"""Criteria: what the operations of an edge are worth to the loss of the supernet.

A criterion replaces the operation weights of one edge, r, by others, and looks at what the loss L
does. Of an operation o:

    retention   r -> one-hot(o)    strength = L(r) - L(one-hot(o)): what is gained if it alone stays
    removal     r -> r with r_o=0  importance = L(r without o) - L(r): what is lost if it goes

Retention is the operation strength of OStr-DARTS (Yang, Zheng, Han, Song, Huang, Li, arXiv
2409.14433); its equations could not be read, and the formulas here are this project's reading of
its abstract and figures. Removal is the rule of network pruning, which the paper argues against:
with more than two candidates it never looks at an operation that is alone. DARTS-PT (Wang et al.,
ICLR 2021) removes and measures the accuracy, or whatever else a task is ranked by.

The first-order form of any of them takes g = dL/dr from one backward pass for all edges:

    L(new) - L(r)  ~  g . (new - r)

For retention under a softmax that is -(1 / r_o) * dL/dalpha_o, where alpha are the logits.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

#: Operation weights of all edges: cell type -> `[edges, operations]`.
Mixture = Mapping[str, np.ndarray]


class Evaluation(Protocol):
    """The supernet as a function of operation weights, cell type -> `[edges, operations]`."""

    def loss(self, mixture: Mixture) -> float:
        """The mean loss."""

    def score(self, mixture: Mixture) -> float:
        """The task's objective; more is better."""

    def gradients(self, mixture: Mixture) -> Mixture:
        """The gradient of the loss in every weight."""


def keep_only(row: np.ndarray) -> np.ndarray:
    """`[operations, operations]`: row o has the weight 1 for operation o, 0 for all others."""
    return np.eye(len(row), dtype=row.dtype)


def take_out(row: np.ndarray) -> np.ndarray:
    """`[operations, operations]`: row o is `row` with the weight 0 for operation o."""
    return np.where(np.eye(len(row), dtype=bool), 0, row)


def take_out_renormalized(row: np.ndarray) -> np.ndarray:
    """As `take_out`, with the other weights raised in proportion to the sum of `row`.

    Where nothing is left to raise, all weights are 0.
    """
    left = take_out(row)
    sums = left.sum(axis=1, keepdims=True)
    return left * np.divide(row.sum(), sums, out=np.zeros_like(sums), where=sums > 0)


@dataclasses.dataclass(frozen=True)
class Criterion:
    """How the operations of an edge, and the edges of a node, are compared.

    Attributes:
        replace: from the weights of an edge, `[operations]`, to those that are tried in their
            place, one row for every operation.
        retains: whether row o holds o alone, so that a small loss speaks for o; otherwise row o
            is without o, and a large loss speaks for it.
        by_objective: whether the task's objective is measured, such as the accuracy, instead of the
            loss.
        first_order: whether the change of the loss is estimated by its gradient.
        by_accuracy: the former name of `by_objective`, which the constructor takes too.
    """

    replace: Callable[[np.ndarray], np.ndarray]
    retains: bool = False
    by_objective: bool = False
    first_order: bool = False
    by_accuracy: dataclasses.InitVar[bool | None] = None

    def __post_init__(self, by_accuracy: bool | None):
        if by_accuracy is not None:
            object.__setattr__(self, "by_objective", by_accuracy)

    def strengths(self, evaluation: Evaluation, mixture: Mixture, places) -> np.ndarray:
        """The strength of every operation on some edges, all else as in `mixture`.

        Args:
            evaluation: the supernet.
            mixture: cell type -> operation weights `[edges, operations]`.
            places: pairs (cell type, number of the edge).

        Returns:
            `[places, operations]`; more is better.
        """
        found = self._changes(
            evaluation,
            mixture,
            [(place, self.replace(mixture[place[0]][place[1]])) for place in places],
        )
        return -np.array(found) if self.retains else np.array(found)

    def edge_importances(self, evaluation: Evaluation, mixture: Mixture, places) -> np.ndarray:
        """The importance of each edge, lost if it goes: `[places]`, by the operations' measure."""
        nothing = [(place, np.zeros_like(mixture[place[0]][place[1]])[None]) for place in places]
        return np.array(self._changes(evaluation, mixture, nothing))[:, 0]

    def _changes(self, evaluation, mixture, replacements) -> list[np.ndarray]:
        """How much worse it gets with each replacement of the weights of an edge."""
        if self.first_order:
            slopes = evaluation.gradients(mixture)
            return [(new - mixture[t][e]) @ slopes[t][e] for (t, e), new in replacements]
        now = self._badness(evaluation, mixture)
        return [
            np.array(
                [self._badness(evaluation, with_row(mixture, place, row)) - now for row in new]
            )
            for place, new in replacements
        ]

    def _badness(self, evaluation, mixture) -> float:
        return -evaluation.score(mixture) if self.by_objective else evaluation.loss(mixture)


def with_row(mixture: Mixture, place: tuple[str, int], row) -> dict[str, np.ndarray]:
    """Operation weights with another row in one place, (cell type, number of the edge)."""
    cell_type, edge = place
    changed = mixture[cell_type].copy()
    changed[edge] = row
    return {**mixture, cell_type: changed}


#: All criteria by name, to be read.
CRITERIA = types.MappingProxyType(
    {
        "operation_strength": Criterion(keep_only, retains=True),
        "operation_strength_first_order": Criterion(keep_only, retains=True, first_order=True),
        "removal": Criterion(take_out),
        "removal_first_order": Criterion(take_out, first_order=True),
        "removal_renormalized": Criterion(take_out_renormalized),
        "perturbation": Criterion(take_out, by_objective=True),
    }
)
