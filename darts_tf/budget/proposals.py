"""Which genotype is tried next: at random, by evolution, by what those before have shown."""

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from darts_tf import baselines, genotypes
from darts_tf.budget import equivalence, prediction
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space

# How often a proposal is drawn again that was there before or breaks a constraint.
_TRIES = 100
# How often a genotype is changed that then breaks a constraint.
_CHANGED = 25
# Changes between two places of a walk.
_BETWEEN = 10


@dataclasses.dataclass(frozen=True)
class Choice:
    """What may be proposed.

    Args:
        space: the search space.
        allowed: whether a genotype meets the constraints, as far as that is known beforehand.
        cheapest: one that is allowed.
        costs: genotype -> its costs by name, numbers above 0.
    """

    space: Space
    allowed: Callable[[Genotype], bool]
    cheapest: Genotype
    costs: Callable[[Genotype], dict[str, float]]

    def draws(self, draw: random.Random) -> Iterator[Genotype]:
        """Random genotypes that are allowed, without end: uniformly where these are not rare.

        Where none of a hundred is allowed, by a walk from the cheapest one by random changes, each
        of which is allowed. To draw every one anew would take longer than to train it.
        """
        tries = 0
        while tries < _TRIES:
            found = genotypes.sample(self.space, draw.getrandbits(48))
            tries += 1
            if self.allowed(found):
                tries = 0
                yield found
        found = self.cheapest
        for _ in range(_TRIES):
            found = self._changed(found, draw)
        while True:
            yield found
            for _ in range(_BETWEEN):
                found = self._changed(found, draw)

    def _changed(self, genotype: Genotype, draw: random.Random) -> Genotype:
        """A step of a walk that stays where the next place is not allowed."""
        changed = baselines.mutate(self.space, genotype, draw)
        return changed if self.allowed(changed) else genotype

    def mutated(self, genotype: Genotype, draw: random.Random, changes: int = 1) -> Genotype:
        """A genotype with random changes that meets the constraints; itself if none was found."""
        for _ in range(_CHANGED):
            found = genotype
            for _ in range(changes):
                found = baselines.mutate(self.space, found, draw)
            if self.allowed(found):
                return found
        return genotype

    def new(self, seen: set, make: Callable[[], Genotype]) -> Genotype | None:
        """What `make` gives, until it is a function that was not there before; None if never."""
        for _ in range(_TRIES):
            found = make()
            if equivalence.key(found) not in seen:
                return found
        return None


# Candidates so far, the best last, with their scores: genotypes and `[N]`.
History = Sequence[tuple[Genotype, float]]


@dataclasses.dataclass(frozen=True)
class RandomProposals:
    """Random genotypes.

    Args:
        draws: of so many the one with the most multiply-adds is proposed. Of two networks of one
            space the larger one is the better one more often than not, and to count costs nothing:
            of all cells of NAS-Bench-201 Kendall's tau with the accuracy is 0.38.
        rungs: how many there are at most in a search by these proposals, see `BudgetedSearch`.
        longer: so many times the first steps of `Size` train a candidate at first.
    """

    draws: int = 1
    rungs: int = 6
    longer: int = 1

    def __call__(self, choice: Choice, history: History, draw: random.Random):
        """A genotype that was not there before and where it is from; None if there is none left.

        Args:
            choice: what may be proposed.
            history: the candidates so far, the oldest first, with scores that can be compared.
            draw: random numbers.
        """
        seen = {equivalence.key(genotype) for genotype, _ in history}

        drawn = choice.draws(draw)

        def make(count):
            several = itertools.islice(drawn, count)
            return max(several, key=lambda genotype: choice.costs(genotype)["multiply_adds"])

        found = choice.new(seen, lambda: make(self.draws))
        # The last ones of a small space are never the largest of several.
        found = found or choice.new(seen, lambda: make(1))
        return None if found is None else (found, "random")

    def estimates(self, choice: Choice, history: History) -> np.ndarray | None:
        """What candidates are ranked by, `[N]`; None for their scores as they are."""
        return None


@dataclasses.dataclass(frozen=True)
class EvolvingProposals:
    """Aging evolution; see `darts_tf.baselines.AgingEvolution`.

    It compares candidates of any age, so all have one training of one length, a longer one.
    """

    population: int = 10
    tournament: int = 3
    rungs: int = 1
    longer: int = 3

    def __call__(self, choice, history, draw):
        """See `RandomProposals`."""
        seen = {equivalence.key(genotype) for genotype, _ in history}
        if len(history) < self.population:
            return RandomProposals()(choice, history, draw)

        def make():
            drawn = draw.sample(list(history[-self.population :]), self.tournament)
            return choice.mutated(max(drawn, key=lambda one: one[1])[0], draw)

        found = choice.new(seen, make)
        return None if found is None else (found, "mutation")

    def estimates(self, choice, history):
        """See `RandomProposals`."""
        return None


@dataclasses.dataclass(frozen=True)
class PredictedProposals:
    """Of many genotypes the one whose score is predicted to be the best, or could be.

    White, Neiswanger, Savani, BANANAS: Bayesian Optimization with Neural Architectures for Neural
    Architecture Search, AAAI 2021: a model of the scores so far ranks changes of the best genotypes
    and random ones. Here the model is a Gaussian process, see `prediction`, and a genotype is
    ranked by the mean plus one standard deviation.

    Args:
        first: so many are random before there is a model, each the largest of `draws`.
        pool: genotypes that are ranked, one half of them random.
        parents: the best so far, of which the other half are changes.
        random_every: one of so many is random still, as the first ones.
        sees_ways: see `prediction.Features`.
        draws, rungs, longer: see `RandomProposals`.
    """

    first: int = 6
    pool: int = 200
    parents: int = 10
    random_every: int = 10
    sees_ways: bool = True
    draws: int = 4
    rungs: int = 6
    longer: int = 1

    def __call__(self, choice, history, draw):
        """See `RandomProposals`."""
        count = len(history)
        if count < self.first or count % self.random_every == 0:
            return RandomProposals(self.draws)(choice, history, draw)
        seen = {equivalence.key(genotype) for genotype, _ in history}
        best = sorted(history, key=lambda one: -one[1])[: self.parents]
        pool, drawn = {}, choice.draws(draw)
        for number in range(self.pool):
            if number % 2:
                found = next(drawn)
            else:
                found = choice.mutated(draw.choice(best)[0], draw, changes=draw.choice((1, 1, 2)))
            key = equivalence.key(found)
            if key not in seen:
                pool.setdefault(key, found)
        if not pool:
            return RandomProposals()(choice, history, draw)
        options = list(pool.values())
        mean, deviation = self._predict(choice, history, options)
        return options[int(np.argmax(mean + deviation))], "predicted"

    def estimates(self, choice, history):
        """The model's means of the candidates themselves, once there is a model.

        A score of a short training is noisy. The mean takes part of the noise off, by what
        genotypes that are alike have shown.
        """
        if len(history) < self.first:
            return None
        return self._predict(choice, history, [genotype for genotype, _ in history])[0]

    def _predict(self, choice, history, options):
        """The mean and the deviation of the scores of options by those of candidates."""
        features = prediction.Features(choice.space, choice.costs, self.sees_ways)
        known = features([genotype for genotype, _ in history])
        scores = np.array([score for _, score in history])
        return prediction.predict(known, scores, features(options))


#: Name -> how candidates are proposed.
PROPOSALS = {
    "predicted": PredictedProposals(),
    "random": RandomProposals(),
    "evolution": EvolvingProposals(),
}
