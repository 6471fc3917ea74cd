"""Follows the rule of a method: shows it the search after every epoch and does what it says."""

from collections.abc import Mapping

from darts_tf.schedules.rules import Observation, orders
from darts_tf.search.growth import Growth
from darts_tf.search.transitions import Transitions


class RuleFollower:
    """The rule of a method, with what it has seen and ordered.

    Args:
        search: an `ArchitectureSearch` whose method may have a rule.
    """

    def __init__(self, search):
        self._search = search
        self._rule = search.method.rule
        self._seen: list[Observation] = []
        self._losses: list[tuple[int, float]] = []
        self._transitions = Transitions(search)

    @property
    def result(self) -> Observation | None:
        """The observation whose genotype the rule has ended the search with; None for none."""
        return self._transitions.result

    @property
    def ended(self) -> bool:
        """Whether the rule has ended the search."""
        return self._transitions.ended

    @property
    def leads(self) -> dict[tuple[str, int], float]:
        """(cell type, edge) -> how far ahead the operation was that the rule has decided for."""
        return self._transitions.leads

    @property
    def growth(self) -> Growth | None:
        """The growth of the supernet so far; None where the rule lets none grow."""
        return self._transitions.growth

    def prepare(self, directory, writes: bool) -> None:
        """Called before the first epoch, when all variables exist.

        Args:
            directory: of the checkpoints, None if there is none.
            writes: whether this process writes files.
        """
        if any(kind.goes_back for kind in orders(self._rule)):
            self._transitions.keep_epochs(self._rule.memory, directory, writes)
        if self.growth is not None:
            self.growth.keep_in(directory, writes)

    def after_epoch(self, epoch: int, epochs: int, logs: Mapping[str, float] | None = None) -> None:
        """Shows the rule an epoch, counted from 0, and does what it says.

        Args:
            epoch, epochs: the epoch, and how many there are.
            logs: of the epoch; None where the rule does not look at the loss.
        """
        if self._rule is None:
            return
        grown = self.growth.number if self.growth else 0
        self._losses.append((grown, float((logs or {}).get("val_loss", float("nan")))))
        self._seen = [*self._seen, self._observe(epoch)][-self._rule.memory :]
        ordered = self._rule(self._seen, epochs, self._search.supernet.space)
        self._transitions.execute(ordered, self._seen[-1])

    def next_epoch(self, epoch: int) -> int:
        """The epoch to go on with after an epoch; goes back to an earlier one if the rule says so.

        Called when everything about the epoch has been written down.
        """
        following = self._transitions.next_epoch(epoch)
        self._seen = [observation for observation in self._seen if observation.epoch < following]
        self._losses = self._losses[:following]
        return following

    def _observe(self, epoch) -> Observation:
        search, every = self._search, self._rule.eigenvalue_every
        return Observation(
            epoch,
            search.favoured(),
            search.operation_weights(),
            search.supernet.architecture.decided(),
            search.eigenvalue() if every and (epoch + 1) % every == 0 else None,
            float(getattr(search.weight_optimizer, "l2", 0.0)),
            tuple(self._losses),
        )

    def to_dict(self) -> dict:
        """The state that a resumed search needs, JSON-ready."""
        found = {
            "seen": [observation.to_dict() for observation in self._seen],
            "result": self.result and self.result.to_dict(),
            "ended": self.ended,
            "leads": [[*place, lead] for place, lead in self.leads.items()],
        }
        if self.growth is not None:
            found |= {"losses": self._losses, "growth": self.growth.to_dict()}
        return found

    def restore(self, data: dict | None) -> None:
        """The inverse of `to_dict`; None for a search that has not begun."""
        data = data or {"seen": [], "result": None, "ended": False}
        self._seen = [Observation.from_dict(one) for one in data["seen"]]
        done = self._transitions
        done.result = data["result"] and Observation.from_dict(data["result"])
        done.ended = data["ended"]
        # Missing in checkpoints of earlier versions.
        self._losses = [tuple(one) for one in data.get("losses", [])]
        if self.growth is not None and "growth" in data:
            self.growth.restore(data["growth"])
        done.leads = {(name, edge): lead for name, edge, lead in data.get("leads", [])}
