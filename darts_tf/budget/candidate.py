"""What a search within a budget is made of: candidates, who makes them, who trains them."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Protocol

from darts_tf.genotypes.genotype import Genotype

#: The score of a training that came apart: the lowest.
NOTHING = -1e9


class Source(Protocol):
    """Finds candidates by work of its own, in parts that are recorded."""

    def run(
        self, told: int, more: bool, tell: Callable[[dict], bool]
    ) -> list[tuple[Genotype, str]]:
        """Works, or goes on where an earlier start has stopped.

        Args:
            told: how many parts were told by earlier starts; those that were not kept are done in
                any case, so that a kill does not change what is found.
            more: whether there is time for another part.
            tell: is given the record of a part, JSON-ready, with its number `epoch` from 1; says
                whether there is time for another one. A part that a kill has interrupted before it
                was kept is told again.

        Returns:
            Genotypes, the best first, and where they are from.
        """

    def work(self) -> float:
        """The reference seconds (`work`) of a part; asked only where the budget is of them."""


class Evaluator(Protocol):
    """Trains candidates."""

    def costs(self, genotype: Genotype) -> dict[str, float]:
        """What the genotype's network costs, by the names of `Constraints`, measured if need be."""

    def train(self, number: int, genotype: Genotype, rung: int) -> dict[str, float]:
        """Trains a candidate on to the end of a rung.

        A function of its arguments alone: weights of the rung before that are lost are made anew.

        Args:
            number: of the candidate.
            genotype: its cells.
            rung: from 0.

        Returns:
            Its evidence, JSON-ready: `score`, by which candidates are ranked, larger is better,
            `deviation`, how uncertain that is (0 where it is left out), and whatever else was
            measured.
        """

    def work(self, genotype: Genotype, rung: int) -> float:
        """The reference seconds (`work`) of that; asked only where the budget is of them."""


@dataclasses.dataclass
class Candidate:
    """A genotype and what is known of it.

    Attributes:
        number: from 0, in the order in which they came.
        genotype: its cells.
        origin: who proposed it.
        costs: of its network.
        refused: the name of the constraint that it breaks, or None.
        scores: at the end of each rung that it has reached.
        deviations: standard errors of these.
    """

    number: int
    genotype: Genotype
    origin: str
    costs: dict[str, float]
    refused: str | None = None
    scores: list[float] = dataclasses.field(default_factory=list)
    deviations: list[float] = dataclasses.field(default_factory=list)

    def take(self, record: Mapping) -> None:
        """Adds the evidence of a step. Where its score is no number the training came apart."""
        score = record["score"]
        finite = score is not None and math.isfinite(score)
        self.scores.append(float(score) if finite else NOTHING)
        self.deviations.append(record.get("deviation", 0.0))

    def shown(self, rung: int) -> tuple[float, float]:
        """The score at the end of a rung and its standard error."""
        return self.scores[rung], self.deviations[rung]
