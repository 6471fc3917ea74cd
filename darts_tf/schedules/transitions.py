"""Changes of a search while it runs: what rules and stages order, as data.

A transition says what is to become of the search; `darts_tf.search.transitions` does it. Its class
says what the search must have for that: `supernet_options`, arguments of `Supernet`, and
`goes_back`, whether the states at the ends of the last epochs are kept, and `grows`, whether the
supernet may become another one, so that the best one is kept.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Transition:
    """A change of a search; the base of all of them."""

    supernet_options: ClassVar[Mapping[str, Any]] = {}
    goes_back: ClassVar[bool] = False
    grows: ClassVar[bool] = False


@dataclasses.dataclass(frozen=True, eq=False)
class Stop(Transition):
    """The search ends, or the stage that it is in.

    Attributes:
        reason: in words.
        result: the `Observation` whose genotype is what the search has found; None for the cells
            that the selection finds in the end.
    """

    reason: str
    result: Any = None


@dataclasses.dataclass(frozen=True, eq=False)
class Decide(Transition):
    """An edge has the same operation weights from now on.

    Attributes:
        cell_type: of the edge.
        edge: its number.
        row: the weights, `[operations]`; all of them 0 for an edge that is removed.
    """

    supernet_options = {"decisions": True}

    cell_type: str
    edge: int
    row: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class GoBack(Transition):
    """The search goes on from the end of an earlier epoch, with all that it had then.

    Attributes:
        to: the `Observation` of that epoch, one of those that the rule was shown.
        weight_decay_factor: what the L2 of the weights is multiplied with.
    """

    goes_back = True

    to: Any
    weight_decay_factor: float = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class NextStage(Transition):
    """A search of its own follows, of a new supernet with new weights and architecture variables.

    Attributes:
        number: of the stage, from 0.
        edge_operations: the candidates of every edge; see `Supernet`.
    """

    number: int
    edge_operations: Mapping[str, Sequence[Sequence[str]]]


@dataclasses.dataclass(frozen=True, eq=False)
class Grow(Transition):
    """The supernet grows, and the search goes on with it from where it is.

    Weights, alphas, slots of the optimizers and the position in the data carry over.

    Attributes:
        changes: of `darts_tf.supernets.growth.changes`, done one after the other.
    """

    # Cells that compute edges together cannot say which variables are whose.
    supernet_options = {"batched": False}
    grows = True

    changes: Sequence[Any]


@dataclasses.dataclass(frozen=True, eq=False)
class ReturnToBest(Transition):
    """The supernet of the epoch with the smallest validation loss, however large it was then."""
