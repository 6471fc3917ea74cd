"""One level of a search: variables, and how an optimizer steps them."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import keras
import tensorflow as tf

from darts_tf.gradients.problem import InnerStep, Problem
from darts_tf.runtime import optimizers


class SearchProblem(Protocol):
    """A chain of levels as a search steps it, such as a `SupernetProblem`."""

    def levels(self, seed) -> Problem:
        """The levels for the hypergradient, without steps; `seed` as of `seed_of`."""

    def reduce(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        """The sum of every tensor over the replicas."""

    def seed_of(self, level: str, steps: tf.Tensor) -> tf.Tensor | None:
        """The seed of what a level draws in a step, `[2]` int32; None if nothing is drawn."""

    def entropies(self) -> tf.Tensor:
        """The entropies of the architecture now, `[cell types]`."""


class Passes(Protocol):
    """The passes that an inner level is trained by."""

    #: Variables that a pass gives new values, such as moving statistics.
    statistics: list[keras.Variable]

    def __call__(self, point, batch, seed, differentiate: bool = True) -> tuple[Any, list]:
        """A forward pass of a training step.

        Args:
            point: the values of all levels' variables.
            batch: of the level.
            seed: `[2]` int32, of what is drawn; None for nothing.
            differentiate: whether the gradients are wanted.

        Returns:
            What has this replica's share of the `loss`, `outputs`, new values of the `statistics`,
            and what is `carried` to the next batch, None if nothing; and this replica's share of
            the gradients in the level's variables, which are empty if not wanted.
        """

    def untouched(self, seed, optimizer):
        """A scope after which all that had no part in the draw of that seed is as it was before."""


@dataclasses.dataclass(frozen=True)
class Player:
    """Variables of a level and what steps them.

    Attributes:
        name: of the level.
        variables: what the optimizer steps.
        optimizer: a built Keras optimizer.
        stream: the name of the stream of batches that the level is trained on.
        clip_norm: largest global norm of the gradient; None for no limit. As in the reference the
            raw gradient is clipped, before an optimizer of `darts_tf.runtime.optimizers` adds L2.
        unrolled_clip_norm: the same inside the step that an estimator unrolls.
        rate_factor: of an inner level, what its learning rate is multiplied by in the step on a
            batch: a function of the batch to a scalar, or to None for 1.
        passes: of an inner level; None for the outermost, whose gradient an estimator gives.
        joined: other players whose variables the outermost level's hypergradient is of too; they
            are stepped with it, each by its own optimizer.
        added: what is added to the loss of the outermost level, a differentiable function from the
            values of its variables to a scalar; None for nothing.
    """

    name: str
    variables: list[keras.Variable]
    optimizer: keras.optimizers.Optimizer
    stream: str
    clip_norm: float | None = None
    unrolled_clip_norm: float | None = None
    rate_factor: Callable[[Any], Any] = lambda batch: None
    passes: Passes | None = None
    added: Callable[[list[tf.Tensor]], tf.Tensor] | None = None
    joined: "tuple[Player, ...]" = ()

    def values(self) -> list[tf.Tensor]:
        """The values of the variables now."""
        return [tf.convert_to_tensor(v) for v in self.variables]

    def inner_step(self, batch=None) -> InnerStep:
        """The step that the optimizer would take on a batch now, for the unrolled gradients."""
        optimizer = self.optimizer
        momentum = float(getattr(optimizer, "momentum", 0.0))
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        if (factor := self.rate_factor(batch)) is not None:
            rate *= tf.cast(factor, rate.dtype)
        return InnerStep(
            learning_rate=rate,
            momentum=momentum,
            # Not read before an estimator asks for them: first order does not.
            velocities=optimizer.momentums if momentum else None,
            weight_decay=getattr(optimizer, "l2", 0.0),
            clip_norm=self.unrolled_clip_norm,
        )

    def gradient_of_added(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        """The gradient of `added`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            added = self.added(values)
        return tape.gradient(added, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def clip(self, gradients: list[tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Gradients of at most `clip_norm`, and the global norm that they had before."""
        norm = tf.linalg.global_norm(gradients)
        if self.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm, norm)
        return gradients, norm

    def apply(self, gradients: list[tf.Tensor], replicas: int, batch=None) -> None:
        """Steps the variables by gradients of the global batch.

        Args:
            gradients: of the variables.
            replicas: number of replicas.
            batch: what the gradients are of, for `rate_factor`.
        """
        reduced = contextlib.nullcontext()
        if replicas > 1 and optimizers.KNOWS_REDUCED and hasattr(self.optimizer, "reduced"):
            reduced = self.optimizer.reduced()
        elif replicas > 1:
            # The gradients are reduced already, and Keras sums over the replicas again.
            gradients = [g / replicas for g in gradients]
        factor = self.rate_factor(batch)
        scaled = contextlib.nullcontext() if factor is None else self.optimizer.rate_times(factor)
        with reduced, scaled:
            self.optimizer.apply(gradients, self.variables)
