"""Rules: what they see of a search after every epoch, and what they can order.

A rule is a function `(observations, epochs, space)` of the last observations, oldest first, to the
transitions that follow, an iterable of `darts_tf.schedules.transitions`, empty for none. Its
attributes are `memory`, how many epochs it wants to see, `eigenvalue_every`, how often it wants the
eigenvalue, 0 for never, and `orders`, the kinds of transitions that it may order besides `Stop`: by
these the method's supernet can fix edges and the search keeps its last `memory` epochs. It has no
state of its own: observations are in every checkpoint, so that a resumed search is where an
uninterrupted one would be.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.schedules.transitions import Decide, GoBack, Stop, Transition


class Observation(NamedTuple):
    """A search at the end of an epoch.

    Attributes:
        epoch: counted from 0.
        genotype: the cells of the largest operation weights.
        weights: cell type -> operation weights `[edges, operations]`.
        decided: cell type -> `[edges]`, True for the edges that are decided already.
        eigenvalue: the largest one of the validation loss' Hessian in the architecture variables;
            None if it was not measured.
        weight_decay: L2 of the weights.
        losses: of every epoch so far, this one last: how many times the supernet had grown, and
            its loss on all validation data.
    """

    epoch: int
    genotype: Genotype
    weights: Mapping[str, np.ndarray]
    decided: Mapping[str, np.ndarray]
    eigenvalue: float | None = None
    weight_decay: float = 0.0
    losses: tuple[tuple[int, float], ...] = ()

    def to_dict(self) -> dict:
        """JSON-ready."""
        return {
            "epoch": self.epoch,
            "genotype": self.genotype.to_dict(),
            "weights": {name: np.asarray(v).tolist() for name, v in self.weights.items()},
            "decided": {name: np.asarray(v).tolist() for name, v in self.decided.items()},
            "eigenvalue": self.eigenvalue,
            "weight_decay": self.weight_decay,
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Observation":
        """The inverse of `to_dict`."""
        return cls(
            data["epoch"],
            Genotype.from_dict(data["genotype"]),
            {name: np.array(v, np.float32) for name, v in data["weights"].items()},
            {name: np.array(v, bool) for name, v in data["decided"].items()},
            data["eigenvalue"],
            data["weight_decay"],
        )


class Verdict(tuple):
    """The transitions that a rule orders, by one name for each; an earlier form of a rule's answer.

    Args:
        reason, result: as for `Stop`; a reason of None does not end the search.
        fixed: the weights `[operations]` that edges have from now on, as (cell type, number of the
            edge, weights); see `Decide`.
        back, weight_decay_factor: as for `GoBack`; None goes on.
    """

    def __new__(
        cls,
        reason: str | None = None,
        result: Observation | None = None,
        fixed: Sequence[tuple[str, int, np.ndarray]] = (),
        back: Observation | None = None,
        weight_decay_factor: float = 1.0,
    ):
        found: list[Transition] = [Decide(*one) for one in fixed]
        if back is not None:
            found.append(GoBack(back, weight_decay_factor))
        if reason is not None:
            found.append(Stop(reason, result))
        return super().__new__(cls, found)


def orders(rule: Callable | None) -> tuple[type[Transition], ...]:
    """The kinds of transitions that a rule may order besides `Stop`; none without a rule.

    Rules of the earlier form say `decides = True` and `goes_back = True` instead of `orders`.
    """
    earlier = {"decides": Decide, "goes_back": GoBack}
    found = [kind for name, kind in earlier.items() if getattr(rule, name, False)]
    return (*getattr(rule, "orders", ()), *found)
