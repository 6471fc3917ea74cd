"""Batch normalisation with a right second derivative."""

import keras
import tensorflow as tf

from darts_tf.constant_weights import weights_are_constant


@keras.saving.register_keras_serializable("darts_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that may be differentiated twice.

    In training mode Keras takes its statistics from `tf.nn.moments`, which stops the gradient
    at the mean inside the variance: first-order gradients are right, second-order ones silently
    lose a term, and with them an unrolled hypergradient. Here a single replica uses TensorFlow's
    fused kernel, whose second derivative is right, and several replicas, or data that the kernel
    does not take (float64, other ranks), use Keras' synchronised statistics, which are written
    out in plain arithmetic. The kernel moves the moving statistics itself, and not at all where
    weights are constant (`darts_tf.constant_weights`). Like PyTorch it keeps the unbiased variance,
    n / (n - 1) times Keras' for n values a channel.

    Args:
        momentum: of the moving statistics. Default 0.9 (PyTorch's 0.1 in the reference).
        epsilon: added to the variance. Default 1e-5, the reference's.
        **kwargs: as in `keras.layers.BatchNormalization`; `center` and `scale` are False in a
            supernet and True in a derived network.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, synchronized=synchronized, **kwargs)

    def call(self, inputs, training=None, mask=None):
        if not training or not self.trainable or mask is not None or not self._can_fuse(inputs):
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, self.gamma, self.beta)

    def _fused(self, inputs, scale=None, offset=None):
        """Training mode by the fused kernel, which also moves the moving statistics."""
        size = inputs.shape[-1:]
        scale = tf.ones(size) if scale is None else tf.cast(scale, tf.float32)
        offset = tf.zeros(size) if offset is None else tf.cast(offset, tf.float32)
        moves = not weights_are_constant()
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

    def _can_fuse(self, inputs) -> bool:
        replica = tf.distribute.get_replica_context()
        return (
            (replica is None or replica.num_replicas_in_sync == 1)
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype in (tf.float32, tf.bfloat16, tf.float16)
        )
