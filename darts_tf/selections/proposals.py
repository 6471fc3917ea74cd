"""A selection without a supernet: the best of candidates that are trained by themselves."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import ClassVar

from darts_tf import baselines
from darts_tf.baselines import Baseline, Candidate
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


@dataclasses.dataclass(frozen=True)
class Proposals:
    """Takes the best of what a baseline proposes, one candidate after the other.

    Args:
        baseline: how to propose, a name in `darts_tf.baselines` or a `Baseline`.
    """

    baseline: str | Baseline

    #: There is no supernet to select from, and none to train.
    needs_supernet: ClassVar[bool] = False
    needs_training: ClassVar[bool] = False

    def __call__(
        self,
        space: Space,
        evaluate: Callable[[Genotype], float],
        budget: int,
        seed: int = 0,
        history: Sequence[Candidate] = (),
    ) -> Candidate:
        """The best of `budget` candidates, with its score; arguments as for `baselines.run`."""
        baseline = baselines.get(self.baseline)
        return baselines.best(baselines.run(baseline, space, evaluate, budget, seed, history))
