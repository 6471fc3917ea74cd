"""The problem whose hypergradient is wanted: a chain of levels, each with its loss and its step.

    min over a of  L_val(w*(a), a)   where   w*(a) = argmin over w of  L_train(w, a)

(Liu, Simonyan, Yang, ICLR 2019, equations 3 and 4) is a chain of two. A third level, whose loss
depends on what the second one has learned, makes a chain of three (Sheth, Xie, ICLR 2023). Nothing
here knows of networks: each level's variables are a list of tensors, found by the level's name.
"""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights
from darts_tf.common.dense_gradients import dense
from darts_tf.common.errors import UserError
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_micro_batches
from darts_tf.gradients.inner_step import InnerStep, Tensors

#: Level name -> the values of its variables.
Point = Mapping[str, Tensors]
Loss = Callable[[Point, Any], Any]

#: The names of the two levels of DARTS.
ARCHITECTURE, WEIGHTS = "architecture", "weights"


def identity(tensors: Tensors) -> Tensors:
    """The `reduce` of a single replica."""
    return tensors


@dataclasses.dataclass(frozen=True)
class Level:
    """One of the players: variables that descend a loss.

    Attributes:
        name: by which a `Point` has its variables, and the batches its batch.
        loss: `(point, batch) -> scalar`, or `(scalar, carried)` where something is carried from one
            batch to the next, as the state of a recurrent network is. A loss that has the value of
            an inner level sees it after that level's step.
        step: that its optimizer would take. None for the outermost level, and where no estimator
            asks for it.
        source: `(point, batch) -> tensors`, free of the level's own variables: what its loss has of
            the inner levels before it, so that an estimator need not compute that twice. The loss
            takes them as `source`. None for a loss that has no such part.
    """

    name: str
    loss: Loss
    step: InnerStep | None = None
    source: Callable[[Point, Any], Tensors] | None = None


class CategoricalProblem(NamedTuple):
    """The outermost loss as one of architectures that are drawn: min over a of E[L_val(w, Z)].

    Attributes:
        logits: from the outermost variables to the logits of all categorical variables,
            `[variables, categories]`; differentiable.
        losses: `(point, draws, batch) -> [n]` for draws `[n, variables, categories]`, one-hot.
        relaxed_losses: the same for mixtures, differentiable in them.
        seed: `[2]` int32, of this step's draws.
        carried: `(point, draw, batch) -> ...`, what a batch hands to the next one, of one draw
            `[variables, categories]`; None where nothing is carried.
    """

    logits: Callable[[Tensors], tf.Tensor]
    losses: Callable[[Point, tf.Tensor, Any], tf.Tensor]
    relaxed_losses: Callable[[Point, tf.Tensor, Any], tf.Tensor]
    seed: tf.Tensor
    carried: Callable[[Point, tf.Tensor, Any], Any] | None = None


@dataclasses.dataclass(frozen=True)
class Problem:
    """A chain of levels, the outermost first.

    Attributes:
        levels: the outermost one, whose hypergradient is wanted, and then the inner ones in the
            order in which they are stepped: each sees the steps of those before it.
        reduce: sums a list of tensors over the replicas that share a global batch; differentiable.
            The losses are then each replica's share, and their sum is the loss of the global
            batch. The identity where there is one replica.
        categorical: the same problem over sampled architectures; None where they are mixed.

    Raises:
        UserError: two levels have one name, or there are none.
    """

    levels: tuple[Level, ...]
    reduce: Callable[[Tensors], Tensors] = identity
    categorical: CategoricalProblem | None = None

    def __post_init__(self):
        names = [level.name for level in self.levels]
        if not names or len(set(names)) < len(names):
            raise UserError(
                f"a problem of the levels {', '.join(names) or 'none'}; expected one or more, each "
                "with a name of its own"
            )

    @property
    def outer(self) -> Level:
        """The outermost level."""
        return self.levels[0]

    @property
    def inner(self) -> tuple[Level, ...]:
        """All others, in the order in which they are stepped."""
        return self.levels[1:]

    def with_steps(self, **steps: InnerStep) -> "Problem":
        """The same problem with the steps of the inner levels, by level name."""
        levels = tuple(
            dataclasses.replace(level, step=steps[level.name]) if level.name in steps else level
            for level in self.levels
        )
        return Problem(levels, self.reduce, self.categorical)

    def stepped(self, level: Level, point: Point, batch, steps: int = 1) -> Tensors:
        """An inner level's variables after steps by its own gradient, all on one batch.

        Differentiable in all of the point. The gradient is that of the global batch: it is reduced
        before the step takes it.

        Raises:
            UserError: the level has no step.
        """
        step = step_of(level)
        values, velocities = point[level.name], step.velocities
        for _ in range(steps):
            gradient = self.gradient_of(level, {**point, level.name: values}, batch)
            values, velocities = step.advance(values, gradient, velocities)
        return values

    def gradient_of(self, level: Level, point: Point, batch) -> Tensors:
        """The gradient of an inner level's loss in its own variables, of the global batch."""
        found = gradients_of(level.loss, point, batch, wrt=[level.name])
        return self.reduce(found.gradients[level.name])


class BilevelProblem(Problem):
    """The chain of two: architecture variables over weights.

    Args:
        train_loss: `(weights, architecture, batch) -> scalar`, the inner objective, or `(scalar,
            carried)` as for `Level`. It is that of the level "weights".
        validation_loss: the same for the outer objective, of the level "architecture".
        reduce, categorical: as for `Problem`.
        step: that the weights' optimizer would take.
    """

    def __init__(
        self,
        train_loss: Callable[[Tensors, Tensors, Any], Any],
        validation_loss: Callable[[Tensors, Tensors, Any], Any],
        reduce: Callable[[Tensors], Tensors] = identity,
        categorical: CategoricalProblem | None = None,
        step: InnerStep | None = None,
    ):
        outer = Level(ARCHITECTURE, functools.partial(_at_point, validation_loss))
        inner = Level(WEIGHTS, functools.partial(_at_point, train_loss), step)
        super().__init__((outer, inner), reduce, categorical)


class Hypergradient(NamedTuple):
    """The result of an estimator; reduced over the replicas, so equal on all of them.

    Attributes:
        architecture: the gradient in each variable of the outermost level.
        loss: this replica's share of the outer loss, at the weights where it was evaluated.
        weights: the gradient in each weight where the estimator has it for free (`one_level`).
        complete: a boolean scalar, false where the estimator had to leave out its second-order
            term (`finite_difference`); None for an estimator that never does.
        carried: what the outer loss returned beside its value; None if nothing.
    """

    architecture: Tensors
    loss: tf.Tensor
    weights: Tensors | None = None
    complete: tf.Tensor | None = None
    carried: Any = None


class Derivatives(NamedTuple):
    """A loss and its gradients at a point.

    Attributes:
        loss: a scalar.
        gradients: level name -> the gradient in each of its variables, zero where the loss does not
            depend on it.
        carried: what the loss returned beside its value; None if nothing.
    """

    loss: tf.Tensor
    gradients: dict[str, Tensors]
    carried: Any


def gradients_of(loss: Loss, point: Point, batch, *, wrt: Collection[str]) -> Derivatives:
    """A loss and its gradients in the variables of some levels.

    Those of an `AccumulatedLoss` are computed one micro-batch after another; what is carried has
    the examples as the first axis of every tensor then.

    Args:
        loss: as in `Level`.
        point: where.
        batch: what the loss is of.
        wrt: names of levels.
    """
    if isinstance(loss, AccumulatedLoss):

        def of_micro_batch(micro_batch, number):
            found = gradients_of(loss.of_micro_batch(number), point, micro_batch, wrt=wrt)
            return (found.loss, found.gradients), found.carried

        (value, gradients), carried = mean_over_micro_batches(
            of_micro_batch, batch, loss.micro_batches
        )
        return Derivatives(value, gradients, carried)
    sources = {name: point[name] for name in wrt}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        with constant_weights(set(wrt) == {ARCHITECTURE}):
            value, carried = evaluate(loss, point, batch)
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(value, sources, unconnected_gradients=zero)
    return Derivatives(
        value, {name: dense(gradients) for name, gradients in found.items()}, carried
    )


def step_of(level: Level) -> InnerStep:
    """A level's step, for an estimator that needs it.

    Raises:
        UserError: it has none.
    """
    if level.step is None:
        raise UserError(
            f"this hypergradient needs the step of the level {level.name!r}, which has none; give "
            "it an InnerStep"
        )
    return level.step


def evaluate(loss: Loss, point: Point, batch) -> tuple[tf.Tensor, Any]:
    """A loss and what it returns to be carried, None if nothing."""
    found = loss(point, batch)
    return found if isinstance(found, tuple) else (found, None)


def _at_point(loss, point, batch):
    return loss(point[WEIGHTS], point[ARCHITECTURE], batch)
