"""Loss scaling, without which small gradients vanish in float16."""

from collections.abc import Callable

import keras
import tensorflow as tf


class LossScale:
    """A factor that gradients carry through the float16 part of a network.

    The gradient is multiplied where it enters the network, at the loss, and divided where it
    leaves it, at the float32 weights, so that neither an estimator of `darts_tf.gradients` nor an
    optimizer sees the factor. That holds for first derivatives only: `ArchitectureSearch` refuses
    estimators that differentiate twice. As in Micikevicius et al., ICLR 2018, section 3.2, the
    factor is halved when a gradient is not finite, and doubled after `patience` steps without that.

    Args:
        initial: the factor at the start. Default 2 ** 15.
        patience: default 2000.
    """

    def __init__(self, initial: float = 2.0**15, patience: int = 2000):
        self._patience = patience

        def variable(value):
            return keras.Variable(
                value, trainable=False, dtype="float32", aggregation="only_first_replica"
            )

        self.factor = variable(initial)
        self._steps = variable(0.0)

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables that a checkpoint has to hold."""
        return [self.factor, self._steps]

    def enter(self, loss) -> tf.Tensor:
        """A loss whose gradient is multiplied by the factor."""
        return _with_gradient_times(loss, tf.convert_to_tensor(self.factor))

    def leave(self, tensors) -> list[tf.Tensor]:
        """Weights whose gradients are divided by the factor."""
        inverse = 1 / tf.convert_to_tensor(self.factor)
        return [_with_gradient_times(x, inverse) for x in tensors]

    def update(self, finite) -> tf.Tensor:
        """Moves the factor after a step.

        Returns:
            Whether the search can go on: not if gradients are not finite even without scaling.
        """
        factor, steps = (tf.convert_to_tensor(v) for v in self.variables)
        steps = tf.where(finite, steps + 1, 0.0)
        grown = steps >= self._patience
        possible = finite | (factor > 1)
        factor = tf.where(finite, tf.where(grown, 2 * factor, factor), tf.maximum(factor / 2, 1.0))
        self.factor.assign(factor)
        self._steps.assign(tf.where(grown, 0.0, steps))
        return possible


class LossScaledStep:
    """A `SearchStep` that is undone where a gradient overflowed, and that moves the loss scale.

    Args:
        step: the step.
        loss_scale: the scale that its problem uses.
        variables: all that the step changes.
    """

    def __init__(self, step: Callable, loss_scale: LossScale, variables: list[keras.Variable]):
        self._step = step
        self._loss_scale = loss_scale
        self._variables = variables

    def __call__(self, *batches, **kwargs) -> dict[str, tf.Tensor]:
        """Runs the step; `finite` is not finite only if halving the scale could not help."""
        before = [tf.identity(v) for v in self._variables]
        result = self._step(*batches, **kwargs)
        finite = tf.math.is_finite(result["finite"])
        for variable, value in zip(self._variables, before, strict=True):
            variable.assign(tf.where(finite, variable, value))
        possible = self._loss_scale.update(finite)
        return {**result, "finite": tf.where(possible, 0.0, result["finite"])}


@tf.custom_gradient
def _with_gradient_times(x, factor):
    return tf.identity(x), lambda gradient: (gradient * tf.cast(factor, gradient.dtype), None)
