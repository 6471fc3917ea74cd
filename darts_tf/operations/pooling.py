"""Pooling of 3x3 windows, padded symmetrically."""

import keras
import numpy as np
import tensorflow as tf

from darts_tf.layers.pooling import average_pool, max_pool
from darts_tf.operations.operation import Operation, register


class Pooling(Operation):
    """Base of the poolings; `affine` has no meaning for them and is kept for the registry."""

    def build(self, input_shape):
        self.built = True

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, -(-height // self.strides), -(-width // self.strides), channels


@register("max_pool_3x3")
@keras.saving.register_keras_serializable("darts_tf")
class MaxPool3x3(Pooling):
    """The largest of the 3x3 pixels; padding never wins."""

    def call(self, inputs, training=None):
        # An exported network has no use for gradients.
        pool = max_pool if training else tf.nn.max_pool2d
        if self.strides == 1:
            return pool(inputs, 3, 1, "SAME")
        if training:
            # Of equal pixels the gradient goes to one inside the image.
            lowest = tf.as_dtype(inputs.dtype).min
            padded = keras.ops.pad(inputs, _ONE_PIXEL, constant_values=lowest)
        else:
            # The border again, which every window over the padding has already: a number as low as
            # that would leave 8 bits nothing for the others.
            padded = tf.concat([inputs[:, :1], inputs, inputs[:, -1:]], axis=1)
            padded = tf.concat([padded[:, :, :1], padded, padded[:, :, -1:]], axis=2)
        return pool(padded, 3, self.strides, "VALID")


@register("avg_pool_3x3")
@keras.saving.register_keras_serializable("darts_tf")
class AvgPool3x3(Pooling):
    """The mean of those of the 3x3 pixels that lie inside the image."""

    def call(self, inputs, training=None):
        if self.strides == 1:
            # An exported network has no use for gradients.
            return average_pool(inputs, 3) if training else tf.nn.avg_pool2d(inputs, 3, 1, "SAME")
        padded = keras.ops.pad(inputs, _ONE_PIXEL)
        means = tf.nn.avg_pool2d(padded, 3, self.strides, "VALID")
        return means * keras.ops.convert_to_tensor(self._share(inputs.shape), means.dtype)

    def _share(self, shape) -> np.ndarray:
        """9 / (pixels of the window that lie inside the image), for every output pixel."""
        rows, columns = (
            np.array([sum(0 <= i + k < size for k in (-1, 0, 1)) for i in range(size)])
            for size in shape[1:3]
        )
        inside = np.outer(rows, columns)[:: self.strides, :: self.strides]
        return (9 / inside)[None, :, :, None]


_ONE_PIXEL = [[0, 0], [1, 1], [1, 1], [0, 0]]
