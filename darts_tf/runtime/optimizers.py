"""Optimizers with L2 in the gradient, as the reference of every method has it.

Keras' `weight_decay` is decoupled (AdamW): it shrinks the weight by itself. PyTorch's, which all
published search settings were chosen for, adds `l2 * w` to the gradient, after clipping and before
momentum or the moments.
"""

import contextlib

import keras
import tensorflow as tf

from darts_tf.common.dense_gradients import dense
from darts_tf.common.errors import UserError

#: Whether an `L2Optimizer` can be told that gradients are the same on all replicas.
KNOWS_REDUCED = hasattr(keras.optimizers.Optimizer, "_all_reduce_sum_gradients")


class L2Optimizer:
    """Adds `l2 * variable` to the gradient of every update, and makes gradients dense."""

    _factor = None
    _reduced = False

    def __init__(self, *args, l2: float = 0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def apply(self, grads, trainable_variables=None):
        """One step, by gradients of which those of embeddings may be `tf.IndexedSlices`."""
        return super().apply(dense(grads), trainable_variables)

    @contextlib.contextmanager
    def rate_times(self, factor):
        """Steps in this scope have the learning rate times a scalar; None for 1."""
        self._factor = factor
        try:
            yield
        finally:
            self._factor = None

    @contextlib.contextmanager
    def reduced(self):
        """Steps in this scope take gradients of the global batch, the same on all replicas.

        Otherwise Keras sums them over the replicas, which exchanges as much as a backward pass.
        """
        self._reduced = True
        try:
            yield
        finally:
            self._reduced = False

    def _all_reduce_sum_gradients(self, grads_and_vars):
        if self._reduced:
            return list(grads_and_vars)
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def rate_of_step(self, learning_rate):
        """The learning rate of the present step."""
        if self._factor is None:
            return learning_rate
        return learning_rate * keras.ops.cast(self._factor, learning_rate.dtype)

    def update_step(self, gradient, variable, learning_rate):
        gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * variable
        return super().update_step(gradient, variable, self.rate_of_step(learning_rate))

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable("darts_tf")
class SGD(L2Optimizer, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with `l2`: factor of the weight that is added to its gradient."""

    def update_step(self, gradient, variable, learning_rate):
        """The same by one operation, unless under a strategy: a supernet has many weights."""
        if not self.momentum or self.nesterov or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)
            return
        value = tf.convert_to_tensor(variable)
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self.momentums[self._get_variable_index(variable)].value.handle,
            lr=tf.cast(self.rate_of_step(learning_rate), value.dtype),
            grad=tf.cast(gradient, value.dtype) + self.l2 * value,
            momentum=tf.cast(self.momentum, value.dtype),
        )


@keras.saving.register_keras_serializable("darts_tf")
class Adam(L2Optimizer, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with `l2`: factor of the weight that is added to its gradient."""


def get(optimizer) -> keras.optimizers.Optimizer | None:
    """The optimizer that is given as Keras' `compile` takes one.

    Args:
        optimizer: an object, a class, a configuration, or a name, which stands for Keras' default
            settings; "sgd" and "adam" are those of this module. None stays None.

    Raises:
        UserError: Keras knows no such optimizer.
    """
    if optimizer is None or isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    own = {"sgd": SGD, "adam": Adam}
    if isinstance(optimizer, str) and optimizer.lower() in own:
        optimizer = own[optimizer.lower()]
    try:
        if isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer):
            return optimizer()
        return keras.optimizers.get(optimizer)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"Keras knows no optimizer {optimizer!r:.60}; expected an object of keras.optimizers, "
            "or a name such as 'sgd', 'adam' or 'rmsprop'"
        ) from error
