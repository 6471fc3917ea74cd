"""A supernet with further levels, as one problem of a search."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Level, Problem
from darts_tf.levels.level import FurtherLevel
from darts_tf.supernets.problem import SupernetProblem


class LevelChain:
    """The chain of a supernet's levels and those that a method adds.

    The outermost level is the architecture, or one of those that are moved as it is; the inner ones
    are the weights and then the further inner levels, in the method's order.

    Args:
        problem: the supernet.
        levels: built ones.
    """

    def __init__(self, problem: SupernetProblem, levels: Sequence[FurtherLevel]):
        self._problem = problem
        self._levels = tuple(levels)
        self._numbers = {level.name: 2 + i for i, level in enumerate(levels)}
        # Whose values are together where the outermost level is the architecture.
        own = {ARCHITECTURE: problem.supernet.architecture_variables}
        theirs = {x.architecture_name: x.architecture_variables for x in levels}
        self._sizes = {name: len(variables) for name, variables in {**own, **theirs}.items()}

    def levels(self, seed=None, outer: str = ARCHITECTURE) -> Problem:
        """The chain with one of the levels that are not inner as its outermost.

        Where that is the architecture, a point's values of it are followed by those of all
        `architecture_variables` of the levels, in their order.

        Args:
            seed: of a step of that level; see `seed_of`.
            outer: its name.
        """
        own = seed if self._problem.supernet.draws(ARCHITECTURE) else None
        found = self._problem.levels(own)
        weights = Level(WEIGHTS, self._of_changed_batch(WEIGHTS, found.inner[0].loss))
        inner = [self._level(level, seed) for level in self._levels if level.inner]
        if outer == ARCHITECTURE:
            first = Level(ARCHITECTURE, self._outer_loss(found.outer.loss))
        else:
            (level,) = (level for level in self._levels if level.name == outer)
            first = self._level(level, seed)
        chain = tuple(map(self._with_parts_apart, (first, weights, *inner)))
        return Problem(chain, found.reduce, found.categorical)

    def _with_parts_apart(self, level: Level) -> Level:
        """A level at points whose architectures are together."""
        if self._sizes[ARCHITECTURE] == sum(self._sizes.values()):
            return level
        source = level.source and self._apart(level.source)
        return dataclasses.replace(level, loss=self._apart(level.loss), source=source)

    def _apart(self, function):
        def of_each(point, batch, **options):
            together = point[ARCHITECTURE]
            # Where another level is the outermost, they are apart already.
            if len(together) > self._sizes[ARCHITECTURE]:
                values = iter(together)
                sizes = self._sizes.items()
                apart = {name: list(itertools.islice(values, size)) for name, size in sizes}
                point = {**point, **apart}
            return function(point, batch, **options)

        return of_each

    def _level(self, level: FurtherLevel, seed) -> Level:
        own = self._seed_in(level, seed)
        if not level.has_source:
            return Level(level.name, functools.partial(level.loss, seed=own))

        def loss(point, batch, source=None):
            return level.forward(point, batch, own, source).loss

        return Level(level.name, loss, source=functools.partial(level.source, seed=own))

    def _seed_in(self, level: FurtherLevel, seed):
        """The seed that a level draws by in the step of another one."""
        if not level.draws or seed is None:
            return None
        return seeds.of_part(seed, self._numbers[level.name])

    def _outer_loss(self, loss):
        """The loss that the architecture descends at the values of all levels."""
        found = self._of_changed_batch(ARCHITECTURE, loss)
        for level in self._levels:
            found = level.outer_loss(found)
        return found

    def _of_changed_batch(self, name: str, loss):
        return lambda point, batch: loss(point, self.batch_of(name, point, batch))

    def batch_of(self, level: str, point, batch):
        """The batch that the loss of the architecture or of the weights is of."""
        for further in self._levels:
            batch = further.batch_of(level, point, batch)
        return batch

    def reduce(self, tensors):
        """The sum of every tensor over the replicas."""
        return self._problem.reduce(tensors)

    def entropies(self) -> tf.Tensor:
        """The entropies of the architecture now, `[cell types]`."""
        return self._problem.entropies()

    def seed_of(self, level: str, steps: tf.Tensor) -> tf.Tensor | None:
        """The seed of what a level draws in a step, `[2]` int32; None if nothing is drawn.

        The steps of the architecture, and of what is moved as it is, evaluate all levels.
        """
        if level == WEIGHTS:
            return self._problem.seed_of(level, steps)
        supernet = self._problem.supernet
        if not supernet.draws(ARCHITECTURE) and not any(own.draws for own in self._levels):
            return None
        number = self._numbers.get(level, 0)
        return seeds.of_level(supernet.get_config()["seed"], steps, number)
