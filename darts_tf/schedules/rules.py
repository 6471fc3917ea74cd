"""What a rule sees of a search after every epoch, and what it can order.

A rule is a function `(observations, epochs, space) -> Verdict` of the last observations, oldest
first, with the attributes `memory`, how many epochs it wants to see, and `eigenvalue_every`, how
often it wants the eigenvalue, 0 for never. One whose verdicts may have `fixed` says `decides =
True`, by which the method's supernet can fix edges; one whose verdicts may have `back` says
`goes_back = True`, by which the search keeps its last `memory` epochs. It has no state of its own:
observations are in every checkpoint, so that a resumed search is where an uninterrupted one would
be.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from darts_tf.genotypes.genotype import Genotype


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
    """

    epoch: int
    genotype: Genotype
    weights: Mapping[str, np.ndarray]
    decided: Mapping[str, np.ndarray]
    eigenvalue: float | None = None
    weight_decay: float = 0.0

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


class Verdict(NamedTuple):
    """What is to be done after an epoch.

    Attributes:
        reason: in words, for a verdict that ends the search; None for one that does not.
        result: the observation whose genotype is what the search has found; None for the cells that
            the selection finds in the end.
        fixed: the weights `[operations]` that edges have from now on, as (cell type, number of the
            edge, weights).
        back: the search goes on from the end of this observation's epoch, with all that it had
            then; None where it simply goes on.
        weight_decay_factor: what the L2 of the weights is multiplied with.
    """

    reason: str | None = None
    result: Observation | None = None
    fixed: Sequence[tuple[str, int, np.ndarray]] = ()
    back: Observation | None = None
    weight_decay_factor: float = 1.0
