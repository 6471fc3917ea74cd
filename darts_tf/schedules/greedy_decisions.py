"""The greedy decisions of SGAS."""

import dataclasses

import numpy as np

from darts_tf.schedules.transitions import Decide, Transition


def edge_scores(mixture: np.ndarray, none: int | None, history=()) -> np.ndarray:
    """How ripe edges are for a decision.

    Li et al., SGAS, CVPR 2020, equations 3 to 7: the importance of an edge, 1 - p_none, times the
    certainty of its other operations, 1 - entropy / log(their number), each scaled to [0, 1] over
    the edges; and, with a history, times the stability, the mean over it of sum_o min(p_o, before).

    Args:
        mixture: operation weights `[edges, operations]` of the undecided edges, rows sum to 1.
        none: the number of `none`, None if the space has none; then all edges are as important.
        history: earlier `mixture`, for criterion 2; none for criterion 1.

    Returns:
        `[edges]`; the edge with the largest is decided next.
    """
    others = np.delete(mixture, [] if none is None else none, axis=1)
    importance = others.sum(axis=1)
    shares = others / np.maximum(importance, 1e-30)[:, None]
    entropy = -(shares * np.log(np.maximum(shares, 1e-30))).sum(axis=1)
    scores = _scaled(1 - entropy / np.log(max(others.shape[1], 2)))
    if none is not None:
        scores = scores * _scaled(importance)
    if len(history):
        scores = scores * _scaled(
            np.mean([np.minimum(mixture, before).sum(axis=1) for before in history], axis=0)
        )
    return scores


def _scaled(values) -> np.ndarray:
    """From 0 to 1; zeros where all are equal."""
    span = np.ptp(values)
    return (values - values.min()) / span if span else np.zeros_like(values)


@dataclasses.dataclass(frozen=True)
class GreedyDecisions:
    """Decides an edge of every cell type now and then, and never touches it again.

    SGAS (Li et al., CVPR 2020). After the epochs 9, 14, ... 44 of 50 the ripest undecided edge gets
    its strongest operation other than `none`, alone. As soon as a node has as many edges as the
    space wants, the others go. A search of another length, or a space with more or fewer decisions
    to take, spreads them over the same part of its epochs. (The authors also enlarge the batch by 8
    images after each decision, to use the memory that gets free; here it stays.)

    Args:
        stability: criterion 2, which asks for weights that stay the same over `window` epochs too;
            otherwise criterion 1.
        window: of the stability.
        first, last, of: when the first and the last decisions are taken.
    """

    stability: bool = False
    window: int = 4
    first: int = 9
    last: int = 44
    of: int = 50

    eigenvalue_every = 0
    orders = (Decide,)

    @property
    def memory(self) -> int:
        """Epochs that it looks at."""
        return self.window + 1

    def due(self, epoch: int, epochs: int, decisions: int) -> int:
        """How many of so many decisions are taken by the end of an epoch, counted from 0."""
        apart = (self.last - self.first) / max(decisions - 1, 1)
        at = [round((self.first + i * apart) * epochs / self.of) for i in range(decisions)]
        return decisions if epoch + 1 >= epochs else sum(epoch >= when for when in at)

    def __call__(self, observations, epochs, space) -> tuple[Transition, ...]:
        """The transitions after the last of the observations."""
        now, found = observations[-1], []
        for cell_type in space.cell_types:
            cell = _Cell(space, cell_type, now)
            due = self.due(now.epoch, epochs, cell.total)
            while cell.taken < due and cell.open.any():
                history = [o.weights[cell_type] for o in observations[:-1]]
                found += cell.decide(history if self.stability else [])
        return tuple(found)


class _Cell:
    """The edges of a cell type while decisions are taken."""

    def __init__(self, space, cell_type, now):
        self._space, self._type = space, cell_type
        self._mixture = np.asarray(now.weights[cell_type], np.float64)
        self._allowed = space.choosable(cell_type, none=False)
        self.open = ~np.asarray(now.decided[cell_type]) & self._allowed.any(axis=1)
        kept = np.asarray(now.decided[cell_type]) & (self._mixture.sum(axis=1) > 0)
        self._kept = kept
        most = space.edges_per_node or len(space.edges)
        self.total = sum(
            min(most, sum(self._allowed[e].any() for e in space.edges_into(node)))
            for node in range(space.nodes)
        )

    @property
    def taken(self) -> int:
        return int(self._kept.sum())

    def decide(self, history) -> list[Decide]:
        """Decides one edge, and removes those that its node has too many of then."""
        space, open_edges = self._space, np.flatnonzero(self.open)
        none = space.operations.index("none") if "none" in space.operations else None
        scores = edge_scores(
            self._mixture[open_edges], none, [before[open_edges] for before in history]
        )
        edge = int(open_edges[scores.argmax()])
        best = np.where(self._allowed[edge], self._mixture[edge], -np.inf).argmax()
        chosen = np.eye(len(space.operations), dtype=np.float32)[best]
        found = [Decide(self._type, edge, chosen)]
        self.open[edge], self._kept[edge] = False, True
        into = list(space.edges_into(space.edges[edge].node))
        if space.edges_per_node and self._kept[into].sum() >= space.edges_per_node:
            nothing = np.zeros(len(space.operations), np.float32)
            found += [Decide(self._type, e, nothing) for e in into if self.open[e]]
            self.open[into] = False
        return found
