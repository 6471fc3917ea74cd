"""One step of a search: the optimizer of each level, one after the other."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import Hypergradient, Point
from darts_tf.search.player import Player, SearchProblem


class SearchStep:
    """A step of every level of a search, one after the other, in replica context.

    Liu, Simonyan, Yang, ICLR 2019, algorithm 1, of the architecture and the weights; GDAS steps the
    weights first. The outermost level descends what the estimator returns, each inner one the
    gradient of its own loss. Each is stepped where those before it have arrived.

    Args:
        problem: the supernet, or what else makes a chain of levels.
        players: the levels, the outermost first, then the inner ones as the chain has them. Others
            without `passes` descend, as the outermost one does, what the estimator returns of the
            chain of them and the inner levels.
        gradient: an estimator of `darts_tf.gradients`.
        order: the names of the levels in the order of their steps. Default: as the players.
        replicas: number of replicas.

    Attributes:
        players: those it steps.

    Raises:
        UserError: the order is not one of the players.
    """

    def __init__(
        self,
        problem: SearchProblem,
        players: Sequence[Player],
        gradient: Callable,
        order: Sequence[str] | None = None,
        replicas: int = 1,
    ):
        self._problem = problem
        self.players = tuple(players)
        self._outer = players[0]
        self._inner = [player for player in players if player.passes is not None]
        self._gradient = gradient
        self._replicas = replicas
        named = {player.name: player for player in players}
        order = tuple(named) if order is None else tuple(order)
        if sorted(order) != sorted(named):
            raise UserError(
                f"the order {', '.join(order)} of a step; expected each of its levels once: "
                + ", ".join(named)
            )
        self._order = [named[name] for name in order]

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
        # Read once: a supernet has hundreds of weights, and each read is an operation.
        point = {p.name: p.values() for p in (*self.players, *self._outer.joined)}
        seeds = self._seeds()
        estimates, passes, norms, given = {}, {}, [], {}
        for number, player in enumerate(self._order):
            name = player.name
            if player.passes is not None:
                passes[name], norm = self._inner_step(player, point, batches, seeds, given)
            elif frozen and player is self._outer:
                continue
            else:
                estimates[name], norm = self._outer_step(player, point, batches, seeds[name])
            norms.append(norm)
            if name in estimates and estimates[name].weights is not None:
                # They came with the hypergradient, so they belong to its draw and its architecture.
                given[self._inner[0].name] = estimates[name].weights
                seeds = dict.fromkeys(seeds, seeds[name])
            elif number + 1 < len(self._order):
                point |= {p.name: p.values() for p in (player, *player.joined)}
        return self._result(estimates, passes, norms)

    def _outer_step(
        self, player: Player, point: Point, batches, seed
    ) -> tuple[Hypergradient, tf.Tensor]:
        """Applies a level's hypergradient; returns it and the sum of its players' norms."""
        steps = {p.name: p.inner_step(batches[p.name]) for p in self._inner}
        of_level = {} if player is self._outer else {"outer": player.name}
        problem = self._problem.levels(seed, **of_level).with_steps(**steps)
        together = (player, *player.joined)
        values = [value for one in together for value in point[one.name]]
        found = self._gradient(problem, {**point, player.name: values}, batches)
        gradients, norms = iter(found.architecture), []
        for one in together:
            own = list(itertools.islice(gradients, len(point[one.name])))
            if one.added is not None:
                added = one.gradient_of_added(point[one.name])
                own = [x + y for x, y in zip(own, added, strict=True)]
            clipped, norm = one.clip(own)
            one.apply(clipped, self._replicas)
            norms.append(norm)
        return found, tf.add_n(norms)

    def _inner_step(self, player: Player, point: Point, batches, seeds, given):
        """Applies the gradient of an inner level's own loss.

        Args:
            player: the level.
            point, batches, seeds: by level name.
            given: level name -> gradients of the global batch that are known already.

        Returns:
            The forward pass and the gradient's global norm.
        """
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
        return forward, norm

    def _result(self, estimates: dict, passes: dict, norms: list) -> dict:
        """The result of the step; see `__call__`."""
        losses = {self._outer.name: tf.zeros(())}
        carried, complete = {}, tf.ones(())
        # The chain's order: a stream goes on from its first level.
        found = {**estimates, **passes}
        for name in (player.name for player in self.players if player.name in found):
            losses[name], carried[name] = found[name].loss, found[name].carried
        for estimate in estimates.values():
            if estimate.complete is not None:
                complete *= tf.cast(estimate.complete, tf.float32)
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
