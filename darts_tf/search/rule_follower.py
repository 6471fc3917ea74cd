"""Follows the rule of a method: shows it the search after every epoch and does what it says."""

import pathlib

import numpy as np
from absl import logging

from darts_tf.genotypes import decidedness
from darts_tf.runs.snapshots import Snapshots
from darts_tf.schedules.rules import Observation
from darts_tf.spaces import node_names


class RuleFollower:
    """The rule of a method, with what it has seen.

    Args:
        search: an `ArchitectureSearch` whose method may have a rule.

    Attributes:
        result: the observation whose genotype the search has found; None as long as it is not over,
            and where the selection finds the cells in the end.
        ended: whether the rule has ended the search.
        leads: (cell type, number of the edge) -> by what share the operation that the rule has
            decided for weighed more than the next one then.
    """

    def __init__(self, search):
        self._search = search
        self._rule = search.method.rule
        self._seen: list[Observation] = []
        self._back: Observation | None = None
        self._factor = 1.0
        self._snapshots = None
        self.result: Observation | None = None
        self.ended = False
        self.leads: dict[tuple[str, int], float] = {}

    def prepare(self, directory, writes: bool) -> None:
        """Called before the first epoch, when all variables exist.

        Args:
            directory: of the checkpoints, None if there is none.
            writes: whether this process writes files.
        """
        if getattr(self._rule, "goes_back", False):
            variables = [v for group in self._search.checkpointed().values() for v in group]
            directory = directory and pathlib.Path(directory) / "epochs"
            self._snapshots = Snapshots(variables, self._rule.memory, directory, writes)

    def after_epoch(self, epoch: int, epochs: int) -> None:
        """Shows the rule an epoch, counted from 0, and does what it says."""
        if self._rule is None:
            return
        self._seen = [*self._seen, self._observe(epoch)][-self._rule.memory :]
        supernet = self._search.supernet
        verdict = self._rule(self._seen, epochs, supernet.space)
        names = supernet.space.operations
        for cell_type, edge, row in verdict.fixed:
            supernet.architecture.fix(cell_type, edge, row)
            what = "removed"
            if np.any(row):
                what = names[chosen := int(np.argmax(row))]
                self.leads[cell_type, edge] = lead = self._lead(cell_type, edge, chosen)
                if lead < decidedness.CLOSE:
                    what += f", which leads the next operation by {lead:.1%} only"
            space = supernet.space
            where = node_names.edge_text(*space.edges[edge], space.inputs, space.kind)
            logging.info("epoch %d: %s cell, %s: %s", epoch + 1, cell_type, where, what)
        self._back, self._factor = verdict.back, verdict.weight_decay_factor
        if verdict.reason is not None:
            logging.info("the search ends after epoch %d: %s", epoch + 1, verdict.reason)
            self.ended, self.result = True, verdict.result

    def _lead(self, cell_type, edge, chosen) -> float:
        """By what share the chosen operation of an edge weighs more than the next one now."""
        space = self._search.supernet.space
        # No rule decides for `none`, even where the derived cell may hold it.
        allowed = space.choosable(cell_type, none=False)[edge]
        row = self._seen[-1].weights[cell_type][edge]
        return decidedness.lead(row, chosen, np.flatnonzero(allowed).tolist())

    def next_epoch(self, epoch: int) -> int:
        """The epoch to go on with after an epoch; goes back to an earlier one if the rule says so.

        Called when everything about the epoch has been written down.
        """
        if self._back is None:
            if self._snapshots is not None:
                self._snapshots.save(epoch)
            return epoch + 1
        back, self._back = self._back.epoch, None
        self._snapshots.restore(back)
        decay = self._search.weight_optimizer.l2
        decay.assign(decay * self._factor)
        self._seen = [observation for observation in self._seen if observation.epoch <= back]
        logging.info(
            "epoch %d: back to the end of epoch %d, with the weight decay %g from there",
            epoch + 1,
            back + 1,
            float(decay),
        )
        return back + 1

    def _observe(self, epoch) -> Observation:
        search, every = self._search, self._rule.eigenvalue_every
        return Observation(
            epoch,
            search.favoured(),
            search.operation_weights(),
            search.supernet.architecture.decided(),
            search.eigenvalue() if every and (epoch + 1) % every == 0 else None,
            float(getattr(search.weight_optimizer, "l2", 0.0)),
        )

    def to_dict(self) -> dict:
        """What a resumed search needs, JSON-ready."""
        return {
            "seen": [observation.to_dict() for observation in self._seen],
            "result": self.result and self.result.to_dict(),
            "ended": self.ended,
            "leads": [[*place, lead] for place, lead in self.leads.items()],
        }

    def restore(self, data: dict | None) -> None:
        """The inverse of `to_dict`; None for a search that has not begun."""
        data = data or {"seen": [], "result": None, "ended": False}
        self._seen = [Observation.from_dict(one) for one in data["seen"]]
        self.result = data["result"] and Observation.from_dict(data["result"])
        self.ended = data["ended"]
        # Missing in checkpoints of earlier versions.
        self.leads = {(name, edge): lead for name, edge, lead in data.get("leads", [])}
