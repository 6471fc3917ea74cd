"""The variance of a gradient estimator, followed while it is in use."""

import keras
import tensorflow as tf


class RunningVariance:
    """The variance of single samples, summed over all components, by moving averages.

    With the averages m of the samples g and q of ||g||^2, whose weights sum to 1 and have the sum
    of squares s, the estimate is (q - ||m||^2) / (1 - s): unbiased where the distribution of the
    samples stays as it is. While the mean moves, its movement counts too.

    Args:
        decay: of both averages, a step.
    """

    def __init__(self, decay: float):
        self._decay = decay
        self._mean = self._square = self._weight = self._squared_weights = None

    def build(self, shape) -> None:
        """Makes the variables for samples of this shape."""
        self._mean = _zeros(shape, "mean_gradient")
        self._square = _zeros((), "mean_square")
        self._weight = _zeros((), "weight")
        self._squared_weights = _zeros((), "squared_weights")

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables that a checkpoint has to hold."""
        return [self._mean, self._square, self._weight, self._squared_weights]

    def update(self, samples: tf.Tensor) -> None:
        """Takes a step's samples in, `[samples, *shape]`."""
        share, count = 1 - self._decay, samples.shape[0]
        squares = tf.reduce_sum(samples**2, axis=list(range(1, len(samples.shape))))
        for variable, value in (
            (self._mean, tf.reduce_mean(samples, 0)),
            (self._square, tf.reduce_mean(squares)),
            (self._weight, tf.ones(())),
        ):
            old = tf.convert_to_tensor(variable)
            variable.assign(self._decay * old + share * tf.cast(value, old.dtype))
        old = tf.convert_to_tensor(self._squared_weights)
        self._squared_weights.assign(self._decay**2 * old + share**2 / count)

    def result(self) -> float | None:
        """The variance; None before there are two samples."""
        weight, squares = float(self._weight), float(self._squared_weights)
        if not weight or squares >= weight**2 * (1 - 1e-6):
            return None
        mean = self._mean.numpy().astype("float64") / weight
        spread = float(self._square) / weight - (mean**2).sum()
        return max(0.0, float(spread / (1 - squares / weight**2)))


def _zeros(shape, name):
    return keras.Variable(tf.zeros(shape), dtype="float32", trainable=False, name=name)
