"""One step of a search: the architecture's optimizer, then the weights', or the other way round."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, InnerStep
from darts_tf.supernets.problem import SupernetProblem


class SearchStep:
    """An architecture step followed by a weight step, or the other way round, in replica context.

    Liu, Simonyan, Yang, ICLR 2019, algorithm 1; GDAS steps the weights first. As in the reference
    the raw gradient of the weights is clipped, before an optimizer of
    `darts_tf.runtime.optimizers` adds L2 to it.

    Args:
        problem: the supernet.
        gradient: an estimator of `darts_tf.gradients`.
        clip_norm: largest global norm of the weights' gradient.
        weight_optimizer, architecture_optimizer: built Keras optimizers.
        replicas: number of replicas.
        architecture_clip_norm: largest global norm of the architecture's gradient; None: no limit.
        weights_first: whether the weights are stepped before the architecture.
        entropy_weight: of the operation weights' entropy in the loss that the architecture
            descends.
    """

    def __init__(
        self,
        problem: SupernetProblem,
        gradient: Callable,
        clip_norm: float,
        weight_optimizer: keras.optimizers.Optimizer,
        architecture_optimizer: keras.optimizers.Optimizer,
        replicas: int = 1,
        architecture_clip_norm: float | None = None,
        weights_first: bool = False,
        entropy_weight: float = 0.0,
    ):
        self._problem = problem
        self._gradient = gradient
        self._clip_norm = clip_norm
        self._weight_optimizer = weight_optimizer
        self._architecture_optimizer = architecture_optimizer
        self._replicas = replicas
        self._architecture_clip_norm = architecture_clip_norm
        self._weights_first = weights_first
        self._entropy_weight = entropy_weight

    def __call__(self, train_batch, validation_batch, frozen: bool = False) -> dict[str, tf.Tensor]:
        """Runs the step.

        Args:
            train_batch, validation_batch: pairs of images and labels.
            frozen: whether to leave the architecture step out; `architecture_loss` is 0 then.

        Returns:
            Each replica's `loss`, `architecture_loss` and `logits`; `finite`, a product over all
            numbers that enter an optimizer, not finite if one isn't; `complete`, 1 or, where the
            estimator had to leave out its second-order term, 0; `entropies` after the step,
            `[cell types]`.
        """
        # Read once: a supernet has hundreds of weights, and each read is an operation.
        weights, before = self._weights(), self._alphas()
        seeds = self._seed(0), self._seed(1)
        architecture_loss = architecture_norm = tf.zeros(())
        complete = tf.ones(())
        gradients = None
        if self._weights_first:
            forward, norm = self._weight_step(weights, before, train_batch, seeds[1])
            weights = self._weights()
        if not frozen:
            hypergradient, architecture_norm = self._architecture_step(
                weights, before, train_batch, validation_batch, seeds[0]
            )
            gradients, architecture_loss = hypergradient.weights, hypergradient.loss
            if hypergradient.complete is not None:
                complete = tf.cast(hypergradient.complete, tf.float32)
        if not self._weights_first and gradients is None:
            forward, norm = self._weight_step(weights, self._alphas(), train_batch, seeds[1])
        elif not self._weights_first:
            # They came with the hypergradient, so they belong to its draw and its architecture.
            forward, norm = self._weight_step(weights, before, train_batch, seeds[0], gradients)
        return {
            "loss": forward.loss,
            "architecture_loss": architecture_loss,
            "logits": forward.logits,
            "finite": tf.cast(norm, tf.float32) * (1 + architecture_norm),
            "complete": complete,
            "entropies": self._problem.supernet.architecture.entropies(),
        }

    def _weight_step(self, weights, alphas, train_batch, seed, gradients=None):
        """Steps the weights, by these gradients if given; returns the forward pass and the norm."""
        problem, rows = self._problem, None
        if problem.supernet.relaxation.adversary is not None:
            rows = problem.worst_rows(weights, alphas, train_batch, seed)
        forward, found = problem.forward_and_gradients(
            weights, alphas, train_batch, seed, differentiate=gradients is None, rows=rows
        )
        if gradients is None:
            gradients = problem.reduce(found)
        clipped, norm = tf.clip_by_global_norm(gradients, self._clip_norm)
        with self._only_what_was_drawn(seed):
            self._apply(self._weight_optimizer, clipped, problem.supernet.weight_variables)
        for variable, value in zip(problem.statistics, forward.statistics, strict=True):
            variable.assign(value)
        return forward, norm

    def _architecture_step(self, weights, alphas, train_batch, validation_batch, seed):
        """Applies the hypergradient; returns it and its global norm."""
        hypergradient = self._gradient(
            self._problem.bilevel(seed, self.inner_step()),
            {ARCHITECTURE: alphas, WEIGHTS: weights},
            {ARCHITECTURE: validation_batch, WEIGHTS: train_batch},
        )
        gradients = hypergradient.architecture
        if self._entropy_weight:
            added = self._entropy_gradient(alphas)
            gradients = [x + y for x, y in zip(gradients, added, strict=True)]
        norm = tf.linalg.global_norm(gradients)
        if self._architecture_clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self._architecture_clip_norm, norm)
        variables = self._problem.supernet.architecture_variables
        self._apply(self._architecture_optimizer, gradients, variables)
        return hypergradient, norm

    def _entropy_gradient(self, alphas):
        """The gradient of what the entropy adds to the loss."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(alphas)
            added = self._entropy_weight * self._problem.entropy(alphas)
        return tape.gradient(added, alphas, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    @contextlib.contextmanager
    def _only_what_was_drawn(self, seed):
        """Takes back what momentum and L2 do to the weights that a categorical draw left out."""
        supernet = self._problem.supernet
        if supernet.relaxation.draws.differentiable:
            yield
            return
        masks = supernet.chosen_weights(supernet.architecture.drawn_weights(seed))
        slots = getattr(self._weight_optimizer, "momentums", None) or []
        kept = [
            (variable, mask, tf.identity(variable))
            for variables in (supernet.weight_variables, slots)
            for variable, mask in zip(variables, masks, strict=bool(variables))
            if mask is not None
        ]
        yield
        for variable, mask, before in kept:
            variable.assign(tf.where(mask, variable, before))

    def _weights(self):
        return [tf.convert_to_tensor(v) for v in self._problem.supernet.weight_variables]

    def _alphas(self):
        return [tf.convert_to_tensor(v) for v in self._problem.supernet.architecture_variables]

    def inner_step(self) -> InnerStep:
        """The step that the weight optimizer would take now, for the unrolled gradients."""
        optimizer = self._weight_optimizer
        momentum = float(getattr(optimizer, "momentum", 0.0))
        return InnerStep(
            learning_rate=tf.convert_to_tensor(optimizer.learning_rate),
            momentum=momentum,
            # Not read before an estimator asks for them: first order does not.
            velocities=optimizer.momentums if momentum else None,
            weight_decay=getattr(optimizer, "l2", 0.0),
        )

    def _seed(self, part: int) -> tf.Tensor | None:
        """The seed of this step's draw: 0 for the hypergradient, 1 for the weights.

        A function of the supernet's seed and the number of steps that the weight optimizer has
        taken, so that replicas agree and a resumed search draws what an uninterrupted one would.
        """
        supernet = self._problem.supernet
        if not supernet.architecture.random or (part == 0 and supernet.relaxation.weights_only):
            return None
        steps = tf.cast(tf.convert_to_tensor(self._weight_optimizer.iterations), tf.int32)
        return tf.stack([supernet.get_config()["seed"], 2 * steps + part])

    def _apply(self, optimizer, gradients, variables):
        if self._replicas > 1:
            # The gradients are reduced already, and `apply` sums over the replicas again.
            gradients = [g / self._replicas for g in gradients]
        optimizer.apply(gradients, variables)
