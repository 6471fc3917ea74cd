"""Batch normalisation of the states of a relaxed recurrent cell."""

import keras
import tensorflow as tf

from darts_tf.common.constant_weights import weights_are_constant


@keras.saving.register_keras_serializable("darts_tf")
class StateNormalization(keras.layers.Layer):
    """Batch normalisation, without scale and offset, of every state of a recurrent cell.

    In training a state is normalised by the statistics of its own batch at its own time step, in
    plain arithmetic whose second derivative is right, as in the authors' code of DARTS. There all
    states share one pair of moving statistics, which moves at every state of every step, so that
    it is mostly that of the last step's. Here each state has its own, which moves once a sequence,
    by the mean over its steps: what inference normalises by is then what training normalised by.

    `normalize` may run inside a loop, because it returns the statistics; `move` has to be called
    behind it.

    Args:
        states: number of states.
        units: units of a state.
        momentum: of the moving statistics. Default 0.9 (PyTorch's 0.1 in the reference).
        epsilon: added to the variance. Default 1e-5, the reference's.
    """

    def __init__(self, states: int, units: int, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.states = states
        self.units = units
        self.momentum = momentum
        self.epsilon = epsilon
        shape = (states, units)
        self.moving_mean = self._variable("moving_mean", shape, "zeros")
        self.moving_variance = self._variable("moving_variance", shape, "ones")
        self.built = True

    def _variable(self, name, shape, initializer) -> keras.Variable:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, trainable=False, autocast=False
        )

    def by_batch(self, values, valid=None) -> tuple[tf.Tensor, tf.Tensor]:
        """Values normalised by their own statistics, and those statistics.

        Args:
            values: `[batch, units]`.
            valid: `[batch, 1]`, 1 for the examples that count and 0 for others; None for all.

        Returns:
            The normalised values, and `[2, units]`, mean and biased variance, without a gradient.
        """
        wide = tf.cast(values, self.variable_dtype)
        mean = _mean(wide, valid)
        centred = wide - mean
        variance = _mean(tf.square(centred), valid)
        normalized = centred * tf.math.rsqrt(variance + self.epsilon)
        statistics = tf.stop_gradient(tf.stack([mean, variance]))
        return tf.cast(normalized, values.dtype), statistics

    def by_moving(self, values, state: int) -> tf.Tensor:
        """Values `[batch, units]` normalised by the moving statistics of the state of a number."""
        wide = tf.cast(values, self.variable_dtype)
        variance = tf.convert_to_tensor(self.moving_variance)[state]
        centred = wide - tf.convert_to_tensor(self.moving_mean)[state]
        return tf.cast(centred * tf.math.rsqrt(variance + self.epsilon), values.dtype)

    def move(self, statistics, count) -> None:
        """Moves the moving statistics, but where weights are constant.

        Args:
            statistics: `[2, states, units]`, means and biased variances over all steps.
            count: how many examples there were at a step, float32: the moving variance is of the
                unbiased one, as PyTorch's.
        """
        if weights_are_constant():
            return
        mean, variance = tf.unstack(statistics)
        unbiased = variance * count / tf.maximum(count - 1, 1)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))

    def get_config(self):
        return {
            **super().get_config(),
            "states": self.states,
            "units": self.units,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }


def _mean(values, valid) -> tf.Tensor:
    """The mean over the global batch, of the examples that count; 0 where none does."""
    if valid is None:
        valid = tf.ones_like(values[:, :1])
    valid = tf.cast(valid, values.dtype)
    total, count = tf.reduce_sum(values * valid, axis=0), tf.reduce_sum(valid)
    return tf.math.divide_no_nan(over_replicas(total), over_replicas(count))


def over_replicas(value) -> tf.Tensor:
    """The sum of a tensor over all replicas; differentiable. Not inside a `tf.while_loop`."""
    if replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def replicas() -> int:
    """How many replicas compute a batch together."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync
