"""Batch normalisation with a right second derivative."""

import keras
import tensorflow as tf

from darts_tf.common.constant_weights import weights_are_constant


@keras.saving.register_keras_serializable("darts_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that may be differentiated twice.

    In training mode Keras takes its statistics from `tf.nn.moments`, which stops the gradient
    at the mean inside the variance: first-order gradients are right, second-order ones silently
    lose a term, and with them an unrolled hypergradient. Here a single replica uses TensorFlow's
    fused kernel, whose second derivative is right, and several replicas, or data that the kernel
    does not take (float64, other ranks), use Keras' synchronised statistics, which are written
    out in plain arithmetic. Nothing moves where weights are constant
    (`darts_tf.common.constant_weights`).

    A batch is normalised by its biased variance, and the moving one is of its unbiased variance, as
    in PyTorch: n / (n - 1) times Keras' for n values a channel, those of all replicas together. Of
    a single value, which PyTorch refuses, both are 0.

    Args:
        momentum: of the moving statistics. Default 0.9 (PyTorch's 0.1 in the reference).
        epsilon: added to the variance. Default 1e-5, the reference's.
        **kwargs: as in `keras.layers.BatchNormalization`; `center` and `scale` are False in a
            supernet and True in a derived network.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, synchronized=synchronized, **kwargs)

    def call(self, inputs, training=None, mask=None):
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        if mask is None and self._can_fuse(inputs):
            return self._fused(inputs, self.gamma, self.beta)
        return self._plain(inputs, mask)

    def _fused(self, inputs, scale=None, offset=None, moves=True):
        """Training mode by the fused kernel, which also moves the moving statistics."""
        size = inputs.shape[-1:]
        scale = tf.ones(size) if scale is None else tf.cast(scale, tf.float32)
        offset = tf.zeros(size) if offset is None else tf.cast(offset, tf.float32)
        moves = moves and not weights_are_constant()
        nothing = None if moves else tf.constant([])
        # Not by `tf.compat.v1.nn.fused_batch_norm`, which takes more graph nodes.
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=scale,
            offset=offset,
            mean=tf.convert_to_tensor(self.moving_mean) if moves else nothing,
            variance=tf.convert_to_tensor(self.moving_variance) if moves else nothing,
            epsilon=self.epsilon,
            exponential_avg_factor=1.0 - self.momentum if moves else 1.0,
            is_training=True,
        )
        if moves:
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
        return outputs

    def _plain(self, inputs, mask=None, moves=True):
        """Training mode by plain arithmetic; also moves the moving statistics."""
        values = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = self._moments(values, mask)
        if moves and not weights_are_constant():
            count = self._count(values, mask)
            unbiased = variance * count / keras.ops.maximum(count - 1, 1)
            for moving, value in (
                (self.moving_mean, mean),
                (self.moving_variance, unbiased),
            ):
                moved = keras.ops.cast(moving, values.dtype) * self.momentum
                moving.assign(moved + value * (1.0 - self.momentum))
        outputs = keras.ops.batch_normalization(
            values,
            mean,
            variance,
            self.axis,
            offset=self.beta if self.beta is None else keras.ops.cast(self.beta, values.dtype),
            scale=self.gamma if self.gamma is None else keras.ops.cast(self.gamma, values.dtype),
            epsilon=self.epsilon,
        )
        return keras.ops.cast(outputs, self.compute_dtype)

    def _moments(self, inputs, mask):
        """The mean and the biased variance of each channel, over all replicas.

        The sums that Keras exchanges one by one are exchanged at once, because each exchange waits
        for all replicas; how many values there are, everyone knows.
        """
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1 or mask is not None:
            return super()._moments(inputs, mask)
        if not self.synchronized:
            return super()._moments(inputs, mask)
        sums = [tf.reduce_sum(x, self._reduction_axes) for x in (inputs, tf.square(inputs))]
        sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack(sums))
        mean, square = tf.unstack(sums / self._count(inputs, None))
        return mean, tf.maximum(square - tf.square(mean), 0.0)

    def _count(self, values, mask) -> tf.Tensor:
        """The number of values of each channel that the statistics are of."""
        if mask is not None:
            # Which Keras does not gather from other replicas either.
            return tf.reduce_sum(tf.cast(mask, values.dtype))
        shape = tf.shape(values)
        count = tf.reduce_prod([shape[axis] for axis in self._reduction_axes])
        replica = tf.distribute.get_replica_context()
        if self.synchronized and replica is not None:
            count *= replica.num_replicas_in_sync
        return tf.cast(count, values.dtype)

    def _can_fuse(self, inputs) -> bool:
        replica = tf.distribute.get_replica_context()
        return (
            (replica is None or replica.num_replicas_in_sync == 1)
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype in (tf.float32, tf.bfloat16, tf.float16)
        )
