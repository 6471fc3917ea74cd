"""The bilevel problem whose hypergradient is wanted, and one step of its inner optimizer.

    min over a of  L_val(w*(a), a)   where   w*(a) = argmin over w of  L_train(w, a)

(Liu, Simonyan, Yang, ICLR 2019, equations 3 and 4). Nothing here knows of networks: weights w and
architecture variables a are lists of tensors.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_parts

Tensors = list[tf.Tensor]
Loss = Callable[[Tensors, Tensors, Any], tf.Tensor]


def identity(tensors: Tensors) -> Tensors:
    """What `reduce` is where there is one replica."""
    return tensors


class CategoricalProblem(NamedTuple):
    """The validation loss as one of architectures that are drawn: min over a of E[L_val(w, Z)].

    Attributes:
        logits: from the architecture to the logits of all categorical variables, `[variables,
            categories]`; differentiable.
        losses: `(weights, draws, batch) -> [n]` for draws `[n, variables, categories]`, one-hot.
        relaxed_losses: the same for mixtures, differentiable in them.
        seed: `[2]` int32, of this step's draws.
    """

    logits: Callable[[Tensors], tf.Tensor]
    losses: Callable[[Tensors, tf.Tensor, Any], tf.Tensor]
    relaxed_losses: Callable[[Tensors, tf.Tensor, Any], tf.Tensor]
    seed: tf.Tensor


@dataclasses.dataclass(frozen=True)
class BilevelProblem:
    """Two losses of weights, architecture variables and a batch.

    Attributes:
        train_loss: `(weights, architecture, batch) -> scalar`, the inner objective.
        validation_loss: the same for the outer objective.
        reduce: sums a list of tensors over the replicas that share a global batch; differentiable.
            The losses are then each replica's share, and their sum is the loss of the global
            batch. The identity where there is one replica.
        categorical: the same problem over sampled architectures; None where they are mixed.
    """

    train_loss: Loss
    validation_loss: Loss
    reduce: Callable[[Tensors], Tensors] = identity
    categorical: CategoricalProblem | None = None


@dataclasses.dataclass(frozen=True)
class InnerStep:
    """One step of stochastic gradient descent, as the weight optimizer would take it.

        w' = w + momentum * velocity - learning_rate * (clip(g) + weight_decay * w)

    This is Keras' momentum, whose velocity already holds the learning rate. The velocity is a
    constant: it depends on neither w nor a. L2 is added to the gradient, as in the reference, and
    after clipping.

    Attributes:
        learning_rate: xi of the paper. 0 turns the second-order term off.
        momentum: of the optimizer in use.
        velocities: the optimizer's, tensors or variables, one for each weight; None for zeros.
        weight_decay: factor of L2.
        clip_norm: largest global norm of the gradient, or None. The CNN reference does not clip
            inside the unrolled step, the recurrent one does.
    """

    learning_rate: float | tf.Tensor
    momentum: float = 0.0
    velocities: Sequence[tf.Tensor] | None = None
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __call__(self, weights: Tensors, gradients: Tensors) -> Tensors:
        """The weights after the step; differentiable in both arguments."""
        return self.advance(weights, gradients, self.velocities)[0]

    def advance(self, weights: Tensors, gradients: Tensors, velocities: Tensors | None):
        """One of several steps: (weights, velocities) after it, from those before it."""
        if self.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self.clip_norm)
        steps = [
            -self.rate(w.dtype) * (g + self.weight_decay * w)
            for w, g in zip(weights, gradients, strict=True)
        ]
        if velocities is not None:
            steps = [self.momentum * v + s for v, s in zip(velocities, steps, strict=True)]
        moved = [w + s for w, s in zip(weights, steps, strict=True)]
        return moved, steps if self.momentum else None

    def rate(self, dtype) -> tf.Tensor:
        """The learning rate as a tensor of that type, a Python float without loss."""
        if tf.is_tensor(self.learning_rate):
            return tf.cast(self.learning_rate, dtype)
        return tf.constant(self.learning_rate, dtype)


class Hypergradient(NamedTuple):
    """What an estimator returns; reduced over the replicas, so equal on all of them.

    Attributes:
        architecture: the gradient in each architecture variable.
        loss: this replica's share of the outer loss, at the weights where it was evaluated.
        weights: the gradient in each weight where the estimator has it for free (`one_level`).
        complete: a boolean scalar, false where the estimator had to leave out its second-order
            term (`finite_difference`); None for an estimator that never does.
    """

    architecture: Tensors
    loss: tf.Tensor
    weights: Tensors | None = None
    complete: tf.Tensor | None = None


def gradients_of(loss: Loss, weights: Tensors, architecture: Tensors, batch, *, wrt: str):
    """A loss and its gradients in the weights ("w"), the architecture ("a") or both ("wa").

    Those of an `AccumulatedLoss` are computed part by part.

    Returns:
        (loss, gradients): for "wa" a pair of lists. Variables that the loss does not depend on
        have zero gradients.
    """
    if isinstance(loss, AccumulatedLoss):
        mean, _ = mean_over_parts(
            lambda part, number: (
                gradients_of(loss.of_part(number), weights, architecture, part, wrt=wrt),
                tf.zeros([1]),
            ),
            batch,
            loss.parts,
        )
        return mean
    sources = {"w": weights, "a": architecture, "wa": (weights, architecture)}[wrt]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        with constant_weights(wrt == "a"):
            value = loss(weights, architecture, batch)
    zero = tf.UnconnectedGradients.ZERO
    return value, tape.gradient(value, sources, unconnected_gradients=zero)
