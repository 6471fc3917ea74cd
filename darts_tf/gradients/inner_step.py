"""The step of an inner level's optimizer, which estimators unroll."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

Tensors = list[tf.Tensor]


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

    def through_clipping(self, gradients: Tensors, vector: Tensors) -> Tensors:
        """A vector times the derivative of the clipped gradient in the gradient itself.

        Where g is longer than c = `clip_norm`, the step takes c g / ||g||, whose derivative is

            c / ||g|| * (I - g g' / ||g||^2),

        symmetric; elsewhere it is the identity.

        Args:
            gradients: g, of the global batch.
            vector: tensors of the same shapes.
        """
        if self.clip_norm is None:
            return vector
        norm = tf.linalg.global_norm(gradients)
        clipped = norm > self.clip_norm
        scale = tf.where(clipped, self.clip_norm / norm, tf.ones_like(norm))
        pairs = list(zip(gradients, vector, strict=True))
        along = tf.add_n([tf.reduce_sum(g * v) for g, v in pairs])
        share = tf.where(clipped, along / norm**2, tf.zeros_like(norm))
        return [scale * (v - share * g) for g, v in pairs]

    def rate(self, dtype) -> tf.Tensor:
        """The learning rate as a tensor of that type, a Python float without loss."""
        if tf.is_tensor(self.learning_rate):
            return tf.cast(self.learning_rate, dtype)
        return tf.constant(self.learning_rate, dtype)
