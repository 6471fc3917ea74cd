"""The base of all baselines, and the loop that they share."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


class Candidate(NamedTuple):
    """An evaluated architecture.

    Attributes:
        genotype: the architecture.
        score: larger is better.
    """

    genotype: Genotype
    score: float


class Baseline:
    """Base: chooses the next architecture by those that were evaluated before.

    It keeps no state of its own, so a search goes on from the list of its candidates alone.

    Attributes:
        name: on the command line.
        paper: where it is defined.
    """

    name: str
    paper: str

    def propose(self, space: Space, history: Sequence[Candidate], draw: random.Random) -> Genotype:
        """The next architecture.

        Args:
            space: the search space.
            history: all candidates so far, the oldest first.
            draw: random numbers.
        """
        raise NotImplementedError


def run(
    baseline: Baseline,
    space: Space,
    evaluate: Callable[[Genotype], float],
    budget: int,
    seed: int = 0,
    history: Sequence[Candidate] = (),
) -> list[Candidate]:
    """Proposes and evaluates architectures until `budget` are evaluated.

    Args:
        baseline: how to propose.
        space: the search space.
        evaluate: genotype -> score, larger is better.
        budget: evaluations in all, those of `history` included.
        seed: of all random choices. Every proposal has its own random numbers, so a search that
            goes on from its history equals one that was never stopped.
        history: candidates of an earlier, unfinished run of the same search.

    Returns:
        All candidates, in their order; `best` of them is the result.
    """
    candidates = list(history)
    while len(candidates) < budget:
        draw = random.Random(f"{seed} {len(candidates)}")
        genotype = baseline.propose(space, candidates, draw)
        candidates.append(Candidate(genotype, evaluate(genotype)))
    return candidates


def best(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the largest score, the earliest of equals."""
    return max(candidates, key=lambda candidate: candidate.score)
