"""Selections that decide one edge after the other on a trained supernet.

While there are undecided edges, the next one keeps the operation that a criterion finds best, and
the supernet may be trained a little before the next decision (DARTS-PT: Wang et al., ICLR 2021,
algorithm 1). Then, where a node keeps only some of its edges, those whose removal does least harm
go, node by node.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.common.progress import Progress
from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.criteria import Criterion, Evaluation, Mixture
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import Space
from darts_tf.supernets.conversion import convert
from darts_tf.supernets.supernet import Supernet

ORDERS = ("random", "margin", "topological")

#: (cell type, number of an edge).
Place = tuple[str, int]


class Decision(NamedTuple):
    """One step of the procedure.

    Attributes:
        cell_type, edge: where.
        operation: its number; None if the edge was removed.
        strengths: what the candidates were worth, operation's name -> number, more is better; of a
            removed edge what the edges of the node were worth, number of the edge -> number.
    """

    cell_type: str
    edge: int
    operation: int | None
    strengths: dict


class Outcome(NamedTuple):
    """The outcome of a procedure.

    Attributes:
        genotype: the cells.
        decisions: in their order.
        forward, backward: how many examples the supernet evaluated, and how many of them it
            differentiated the loss of; without those of `fine_tune`.
    """

    genotype: Genotype
    decisions: list[Decision]
    forward: int
    backward: int


@dataclasses.dataclass(frozen=True)
class Progressive:
    """A selection by a criterion, one edge at a time.

    Args:
        criterion: compares operations and edges.
        order: of the edges: "random"; "topological", by cell type, node and source; or "margin",
            next the edge whose best operation is furthest ahead of its second, for which every
            undecided edge is judged again before every decision.
        seed: of the random order of edges and nodes.
        batches: how many of the validation batches are used; None for all.
        fine_tune: called with the supernet between two decisions, to train it; None for no
            training. It gets a copy, in which the edges that are decided compute what was decided.
        loss: `(targets, outputs) -> [batch]` in place of the task's; None for that.

    Raises:
        UserError: there is no such order.
    """

    #: It looks at the supernet and at validation data, not only at operation weights.
    needs_data: ClassVar[bool] = True
    needs_task: ClassVar[bool] = True

    criterion: Criterion
    order: str = "random"
    seed: int = 0
    batches: int | None = None
    fine_tune: Callable[[Supernet], None] | None = None
    loss: Callable | None = None

    def __post_init__(self):
        if self.order not in ORDERS:
            raise UserError(f"unknown order {self.order!r}; expected one of {', '.join(ORDERS)}")

    def __call__(self, supernet: Supernet, validation: tf.data.Dataset, task=None) -> Genotype:
        """The cells that are left in the end. The supernet is not changed.

        Args:
            supernet: a trained supernet.
            validation: batches of the task, such as (images, labels).
            task: see `darts_tf.tasks`; default: the classification of images.

        Raises:
            UserError: there is no batch.
        """
        return self.run(supernet, validation, task).genotype

    def run(self, supernet: Supernet, validation: tf.data.Dataset, task=None) -> Outcome:
        """As a call, with the decisions and what they cost."""
        # Cells that sample compute one operation of an edge; what is judged is their mixture.
        samples = any(cell.samples for cell in supernet.cells)
        batched = supernet.get_config()["batched"] and not samples
        copy = convert(supernet, batched, decisions=True)
        architecture = copy.architecture
        if architecture.auxiliary_skip is not None:
            architecture.auxiliary_skip.assign(0.0)
        few = validation if self.batches is None else validation.take(self.batches)
        evaluation = SupernetEvaluation(copy, few, self.loss, task)
        procedure = Procedure(
            copy.space,
            self.criterion,
            evaluation,
            mixture=lambda: _mixture(copy),
            fix=lambda place, row: architecture.fix(*place, row),
            between=lambda: self.fine_tune and self.fine_tune(copy),
        )
        draw = np.random.default_rng(self.seed)
        decisions = procedure.run(self.order, draw, architecture.decided())
        genotype = magnitude(copy.space, _mixture(copy))
        return Outcome(genotype, decisions, evaluation.forward, evaluation.backward)


class Procedure:
    """The decisions about operations and then about edges; it knows of no network.

    Args:
        space: what may be chosen.
        criterion: compares operations and edges.
        evaluation: what it measures with.
        mixture: gives the operation weights as they are now.
        fix: called with a place and the weights, `[operations]`, that its edge has from now on.
        between: called between two decisions.
    """

    def __init__(
        self,
        space: Space,
        criterion: Criterion,
        evaluation: Evaluation,
        *,
        mixture: Callable[[], Mixture],
        fix: Callable[[Place, np.ndarray], None],
        between: Callable[[], object] = lambda: None,
    ):
        self._space = space
        self._criterion = criterion
        self._evaluation = evaluation
        self._mixture = mixture
        self._fix = fix
        self._between = between
        self._decisions = []
        self._allowed = {t: space.choosable(t) for t in space.cell_types}

    def run(self, order: str, rng: np.random.Generator, done: Mixture | None = None):
        """Decides every edge; returns the decisions.

        Args:
            order: see `Progressive`.
            rng: draws the random order.
            done: cell type -> `[edges]`, True for those that were decided before; default: none.
        """
        left = [
            (t, e)
            for t in self._space.cell_types
            for e in range(len(self._space.edges))
            if self._allowed[t][e].any() and not (done and done[t][e])
        ]
        nodes = [(t, n) for t in self._space.cell_types for n in range(self._space.nodes)]
        if order == "random":
            left = [left[i] for i in rng.permutation(len(left))]
            nodes = [nodes[i] for i in rng.permutation(len(nodes))]
        most = self._space.edges_per_node or len(self._space.edges)
        surplus = [
            int(self._allowed[t][list(self._space.edges_into(n))].any(axis=1).sum()) - most
            for t, n in nodes
        ]
        self._progress = Progress("decisions made", len(left) + sum(max(0, n) for n in surplus))
        while left:
            left.remove(self._decide(left if order == "margin" else left[:1]))
        for cell_type, node in nodes:
            self._remove_edges(cell_type, node)
        return self._decisions

    def _decide(self, places: list[Place]) -> Place:
        """Decides the edge, of those given, whose best operation is furthest ahead."""
        self._pause()
        strengths = self._criterion.strengths(self._evaluation, self._mixture(), places)
        allowed = np.array([self._allowed[t][e] for t, e in places])
        strengths = np.where(allowed, strengths, -np.inf)
        i = int(np.argmax([_margin(row) for row in strengths])) if len(places) > 1 else 0
        (cell_type, edge), best = places[i], int(strengths[i].argmax())
        names = self._space.operations
        found = {names[k]: float(strengths[i, k]) for k in np.flatnonzero(allowed[i])}
        self._record(Decision(cell_type, edge, best, found))
        self._fix(places[i], np.eye(len(names), dtype=np.float32)[best])
        return places[i]

    def _remove_edges(self, cell_type: str, node: int) -> None:
        """Removes edges into a node until it has as many as the space says."""
        most = self._space.edges_per_node
        edges = [e for e in self._space.edges_into(node) if self._allowed[cell_type][e].any()]
        # An edge that was removed before has no weights.
        edges = [e for e in edges if self._mixture()[cell_type][e].any()]
        while most is not None and len(edges) > most:
            self._pause()
            places = [(cell_type, e) for e in edges]
            found = self._criterion.edge_importances(self._evaluation, self._mixture(), places)
            least = edges.pop(int(found.argmin()))
            named = {place[1]: float(value) for place, value in zip(places, found, strict=True)}
            self._record(Decision(cell_type, least, None, named))
            self._fix((cell_type, least), np.zeros(len(self._space.operations), np.float32))

    def _record(self, decision):
        self._decisions.append(decision)
        self._progress.advance()

    def _pause(self):
        if self._decisions:
            self._between()


def _margin(strengths: np.ndarray) -> float:
    """How far the best is ahead of the second; infinite where there is no second."""
    second, first = np.sort(strengths)[-2:]
    return np.inf if np.isinf(second) else first - second


def _mixture(supernet: Supernet) -> dict[str, np.ndarray]:
    """The weights that the relaxation mixes operations with, or would if it did not sample."""
    single = supernet.relaxation.draws.single
    weights = supernet.operation_weights() if single else supernet.architecture.drawn_weights()
    return {cell_type: np.asarray(value) for cell_type, value in weights.items()}
