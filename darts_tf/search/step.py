"""One step of a search: the architecture's optimizer, then the weights', or the other way round."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from darts_tf.gradients.problem import Hypergradient, Point
from darts_tf.search.player import Player, SearchProblem


class SearchStep:
    """A step of the outermost level followed by one of each inner level, in replica context.

    Liu, Simonyan, Yang, ICLR 2019, algorithm 1, of the architecture and the weights; GDAS steps the
    weights first. The outermost level descends what the estimator returns, each inner one the
    gradient of its own loss.

    Args:
        problem: the supernet, or what else makes a chain of levels.
        players: the levels, the outermost first, the others in the order in which they are stepped.
        gradient: an estimator of `darts_tf.gradients`.
        weights_first: whether the inner levels are stepped before the outermost one.
        replicas: number of replicas.

    Attributes:
        players: those it steps.
    """

    def __init__(
        self,
        problem: SearchProblem,
        players: Sequence[Player],
        gradient: Callable,
        weights_first: bool = False,
        replicas: int = 1,
    ):
        self._problem = problem
        self.players = tuple(players)
        self._outer, *self._inner = players
        self._gradient = gradient
        self._weights_first = weights_first
        self._replicas = replicas

    def __call__(self, batches: Mapping, frozen: bool = False) -> dict:
        """Runs the step.

        Args:
            batches: level name -> its batch.
            frozen: whether to leave the step of the outermost level out; its loss is 0 then.

        Returns:
            Each replica's `losses`, level name -> scalar; `outputs` of the first inner level's
            pass; `carried`, level name -> what goes on to its next batch, without those that have
            nothing; `finite`, the sum of the gradients' norms, not finite if a number that enters
            an optimizer isn't; `complete`, 1 or, where the estimator had to leave out its
            second-order term, 0; `entropies` after the step, `[cell types]`.
        """
        outer = self._outer
        # Read once: a supernet has hundreds of weights, and each read is an operation.
        point = {player.name: player.values() for player in self.players}
        seeds = self._seeds()
        found, norms, passes = None, [], {}
        if self._weights_first:
            passes, norms = self._inner_steps(point, batches, seeds)
            point |= {player.name: player.values() for player in self._inner}
        if not frozen:
            found, norm = self._outer_step(point, batches, seeds[outer.name])
            norms = [*norms, norm]
        if not self._weights_first:
            given = {} if found is None or found.weights is None else self._given(found)
            if given:
                # They came with the hypergradient, so they belong to its draw and its architecture.
                seeds = dict.fromkeys(seeds, seeds[outer.name])
            else:
                point[outer.name] = outer.values()
            passes, of_inner = self._inner_steps(point, batches, seeds, given)
            norms = [*norms, *of_inner]
        return self._result(found, passes, norms)

    def _given(self, found: Hypergradient) -> dict:
        """The gradients of the one inner level of an estimator that has them for free."""
        return {self._inner[0].name: found.weights}

    def _outer_step(self, point: Point, batches, seed) -> tuple[Hypergradient, tf.Tensor]:
        """Applies the hypergradient; returns it and its global norm."""
        outer = self._outer
        steps = {p.name: p.inner_step(batches[p.name]) for p in self._inner}
        problem = self._problem.levels(seed).with_steps(**steps)
        found = self._gradient(problem, point, batches)
        gradients = found.architecture
        if outer.added is not None:
            added = outer.gradient_of_added(point[outer.name])
            gradients = [x + y for x, y in zip(gradients, added, strict=True)]
        clipped, norm = outer.clip(gradients)
        outer.apply(clipped, self._replicas)
        return found, norm

    def _inner_steps(self, point: Point, batches, seeds, given=()):
        """Steps the inner levels one after the other, each where those before it have arrived.

        Args:
            point, batches, seeds: by level name.
            given: level name -> gradients of the global batch that are known already.

        Returns:
            Level name -> the forward pass; and the gradients' norms.
        """
        passes, norms, point = {}, [], dict(point)
        for number, player in enumerate(self._inner):
            name = player.name
            forward, gradients = player.passes(
                point, batches[name], seeds[name], differentiate=name not in given
            )
            gradients = given[name] if name in given else self._problem.reduce(gradients)
            clipped, norm = player.clip(gradients)
            with player.passes.untouched(seeds[name], player.optimizer):
                player.apply(clipped, self._replicas, batches[name])
            for variable, value in zip(player.passes.statistics, forward.statistics, strict=True):
                variable.assign(value)
            passes[name] = forward
            norms.append(norm)
            if number + 1 < len(self._inner):
                point[name] = player.values()
        return passes, norms

    def _result(self, found: Hypergradient | None, passes: dict, norms: list) -> dict:
        """What the step returns; see `__call__`."""
        outer = self._outer.name
        losses = {outer: tf.zeros(()) if found is None else found.loss}
        carried = {outer: None if found is None else found.carried}
        for name, forward in passes.items():
            losses[name], carried[name] = forward.loss, forward.carried
        complete = tf.ones(())
        if found is not None and found.complete is not None:
            complete = tf.cast(found.complete, tf.float32)
        return {
            "losses": losses,
            "outputs": passes[self._inner[0].name].outputs,
            "carried": {name: state for name, state in carried.items() if state is not None},
            "finite": tf.add_n([tf.cast(norm, tf.float32) for norm in norms]),
            "complete": complete,
            "entropies": self._problem.entropies(),
        }

    def _seeds(self) -> dict[str, tf.Tensor | None]:
        """The seed of each level's draw in this step, None where nothing is drawn.

        A function of the supernet's seed and the number of steps that the first inner level's
        optimizer has taken, so that replicas agree and a resumed search draws what an uninterrupted
        one would.
        """
        steps = tf.cast(tf.convert_to_tensor(self._inner[0].optimizer.iterations), tf.int32)
        return {p.name: self._problem.seed_of(p.name, steps) for p in self.players}
