"""Does what transitions order: the one place where a search's course is changed."""

import functools
import pathlib

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.runs.snapshots import Snapshots
from darts_tf.schedules.rules import Observation, orders
from darts_tf.schedules.transitions import (
    Decide,
    GoBack,
    Grow,
    ReturnToBest,
    Stop,
    Transition,
)
from darts_tf.search.growth import Growth
from darts_tf.spaces import node_names


class Transitions:
    """Executes the transitions of one stage of a search.

    Most are done at once, so that the logs and checkpoints of the epoch show them. `GoBack` and
    what changes the supernet wait until everything about the epoch has been written down; see
    `next_epoch`.

    Args:
        search: the `ArchitectureSearch`.

    Attributes:
        result: the observation whose genotype the search has found; None as long as it is not over,
            and where the selection finds the cells in the end.
        ended: whether a transition has ended the search.
        leads: (cell type, number of the edge) -> by what share the operation that was decided for
            weighed more than the next one then.
        growth: what the supernet has grown to; None where the rule lets none grow.
    """

    def __init__(self, search):
        self._search = search
        self._snapshots: Snapshots | None = None
        self._waiting: Transition | None = None
        self.result: Observation | None = None
        self.ended = False
        self.leads: dict[tuple[str, int], float] = {}
        grows = any(kind.grows for kind in orders(search.method.rule))
        self.growth = Growth(search) if grows else None
        self._last: Observation | None = None

    def keep_epochs(self, number: int, directory, writes: bool) -> None:
        """Keeps the states at the ends of the last epochs from now on, to go back to.

        Args:
            number: of how many.
            directory: of the checkpoints, None if there is none.
            writes: whether this process writes files.
        """
        variables = [v for group in self._search.checkpointed().values() for v in group]
        directory = directory and pathlib.Path(directory) / "epochs"
        self._snapshots = Snapshots(variables, number, directory, writes)

    def execute(self, transitions, now: Observation) -> None:
        """Does what is ordered at the end of an epoch.

        Args:
            transitions: what is ordered.
            now: the search at the end of that epoch.

        Raises:
            UserError: something is no transition that a search knows.
        """
        self._waiting, self._last = None, now
        for transition in transitions:
            self._execute(transition, now)

    @functools.singledispatchmethod
    def _execute(self, transition, now):
        raise UserError(
            f"a rule orders transitions of darts_tf.schedules.transitions, got {transition!r}"
        )

    @_execute.register
    def _(self, stop: Stop, now):
        logging.info("the search ends after epoch %d: %s", now.epoch + 1, stop.reason)
        self.ended, self.result = True, stop.result

    @_execute.register
    def _(self, decide: Decide, now):
        supernet = self._search.supernet
        cell_type, edge, row = decide.cell_type, decide.edge, decide.row
        supernet.architecture.fix(cell_type, edge, row)
        what = "removed"
        if np.any(row):
            what = supernet.space.operations[chosen := int(np.argmax(row))]
            self.leads[cell_type, edge] = lead = self._lead(decide, chosen, now)
            if lead < decidedness.CLOSE:
                what += f", which leads the next operation by {lead:.1%} only"
        space = supernet.space
        where = node_names.edge_text(*space.edges[edge], space.inputs, space.kind)
        logging.info("epoch %d: %s cell, %s: %s", now.epoch + 1, cell_type, where, what)

    @_execute.register(GoBack)
    @_execute.register(Grow)
    @_execute.register(ReturnToBest)
    def _(self, later, now):
        self._waiting = later

    def _lead(self, decide: Decide, chosen: int, now) -> float:
        """By what share the chosen operation of an edge weighs more than the next one now."""
        # No rule decides for `none`, even where the derived cell may hold it.
        allowed = self._search.supernet.space.choosable(decide.cell_type, none=False)[decide.edge]
        row = now.weights[decide.cell_type][decide.edge]
        return decidedness.lead(row, chosen, np.flatnonzero(allowed).tolist())

    def next_epoch(self, epoch: int) -> int:
        """The epoch to go on with after an epoch, both counted from 0.

        Called when everything about the epoch has been written down.
        """
        waiting, self._waiting = self._waiting, None
        if isinstance(waiting, GoBack):
            return self._go_back(waiting, epoch)
        if self.growth is not None:
            self.growth.see(epoch, self._last.losses)
            over = isinstance(waiting, ReturnToBest)
            if isinstance(waiting, Grow) and not self.growth.grow(epoch, waiting.changes):
                over = self.ended = True
            if over:
                self.growth.return_to_best(epoch)
        if self._snapshots is not None:
            self._snapshots.save(epoch)
        return epoch + 1

    def _go_back(self, order: GoBack, epoch: int) -> int:
        back = order.to.epoch
        self._snapshots.restore(back)
        decay = self._search.weight_optimizer.l2
        decay.assign(decay * order.weight_decay_factor)
        logging.info(
            "epoch %d: back to the end of epoch %d, with the weight decay %g from there",
            epoch + 1,
            back + 1,
            float(decay),
        )
        return back + 1
