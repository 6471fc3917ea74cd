"""The depthwise convolution, with faster gradients on a CPU: of wide kernels, and in bfloat16."""

import keras
import tensorflow as tf

from darts_tf.common.compiled_elsewhere import on_cpu
from darts_tf.common.constant_weights import weights_are_constant

# The widest kernel for whose gradient oneDNN has a depthwise implementation. Wider ones, of any
# height, are computed as grouped convolutions that are padded to 16 channels a group.
_WIDEST = 3


def depthwise_conv2d(inputs, kernel, strides: int = 1, padding: str = "SAME"):
    """`tf.nn.depthwise_conv2d` without dilation, with equal strides.

    The gradient in a kernel wider than 3 is put together from gradients of narrower kernels, all
    of them TensorFlow's operations, so that it can be differentiated again. In bfloat16 on a CPU,
    which has no fast gradients for that, they are computed in float32 and rounded. In a scope of
    `constant_weights` there is none in the kernel.

    Args:
        inputs: `[batch, height, width, channels]`.
        kernel: `[k, k, channels, 1]`, of the same type.
        strides: in both directions.
        padding: "SAME" or "VALID".

    Returns:
        `[batch, height', width', channels]`.
    """
    constant = weights_are_constant()
    wide = kernel.shape[1] > _WIDEST and not constant
    dtype = tf.float32 if _slow(inputs.dtype) else inputs.dtype
    if not wide and dtype == inputs.dtype or padding == "SAME" and strides > 1:
        return _forward(inputs, kernel, strides, padding)

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradient(upstream):
            taps, slopes = tf.cast(kernel, dtype), tf.cast(upstream, dtype)
            in_inputs = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(inputs),
                filter=taps,
                out_backprop=slopes,
                strides=[1, strides, strides, 1],
                padding=padding,
            )
            in_inputs = tf.cast(in_inputs, inputs.dtype)
            if constant:
                return in_inputs, None
            images = tf.cast(inputs, dtype)
            in_kernel = kernel_gradient(images, slopes, kernel.shape, strides, padding)
            return in_inputs, tf.cast(in_kernel, kernel.dtype)

        return _forward(inputs, kernel, strides, padding), gradient

    return convolve(inputs, kernel)


@keras.saving.register_keras_serializable("darts_tf")
class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with the gradients of `depthwise_conv2d`.

    Without a bias or an activation, one output a channel; a dilated one has TensorFlow's gradients,
    and so has every one outside training, because an export would keep the others. Images have
    their channels last, whatever Keras' global setting.
    """

    def __init__(self, kernel_size, data_format="channels_last", **kwargs):
        super().__init__(kernel_size, data_format=data_format, **kwargs)

    def call(self, inputs, training=None):
        if not training or self.dilation_rate != (1, 1):
            return super().call(inputs)
        kernel = tf.convert_to_tensor(self.kernel)
        return depthwise_conv2d(inputs, kernel, self.strides[0], self.padding.upper())


def _forward(inputs, kernel, strides, padding):
    # `tf.nn.depthwise_conv2d` adds constants to the graph for its dilation.
    return tf.raw_ops.DepthwiseConv2dNative(
        input=inputs, filter=kernel, strides=[1, strides, strides, 1], padding=padding
    )


def _slow(dtype) -> bool:
    """Whether gradients of this type are many times slower than in float32 here."""
    return dtype == tf.bfloat16 and on_cpu()


def kernel_gradient(inputs, upstream, shape, strides: int, padding: str):
    """The gradient of a depthwise convolution in its kernel, of at most 3 columns at a time.

    Args:
        inputs: `[batch, height, width, channels]`.
        upstream: the gradient in the outputs.
        shape: the kernel's, `[k, k, channels, 1]`.
        strides: in both directions; 1 if the padding is "SAME".
        padding: "SAME" or "VALID".

    Returns:
        A tensor of that shape.
    """
    if shape[1] <= _WIDEST:
        return _gradient(inputs, upstream, shape[0], shape[1], strides, padding)
    if padding == "SAME" and shape[1] == 5 and inputs.shape[2] % 2 == 0:
        return _by_pairs(inputs, upstream, shape)
    if padding == "SAME":
        rows, columns = shape[0] // 2, shape[1] // 2
        inputs = tf.pad(inputs, [[0, 0], [rows, rows], [columns, columns], [0, 0]])
    outputs = []
    for first in range(0, shape[1], _WIDEST):
        columns = min(_WIDEST, shape[1] - first)
        end = first + (upstream.shape[2] - 1) * strides + columns
        outputs.append(
            _gradient(inputs[:, :, first:end], upstream, shape[0], columns, strides, "VALID")
        )
    return tf.concat(outputs, 1)


def _by_pairs(inputs, upstream, shape):
    """Five columns without copying an image.

    Columns 1 to 3 are the gradient of a kernel three wide. Columns 0, 2 and 4 are that of such a
    kernel where two neighbouring pixels are seen as one pixel of twice the channels.
    """
    height, width, channels = inputs.shape[1:]
    pairs = [-1, height, width // 2, 2 * channels]
    inner = _gradient(inputs, upstream, shape[0], 3)
    outer = _gradient(tf.reshape(inputs, pairs), tf.reshape(upstream, pairs), shape[0], 3)
    outer = tf.reduce_sum(tf.reshape(outer, [shape[0], 3, 2, channels, 1]), 2)
    first, _, last = tf.split(outer, 3, 1)
    return tf.concat([first, inner, last], 1)


def _gradient(inputs, upstream, rows, columns, strides=1, padding="SAME"):
    return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=inputs,
        filter_sizes=[rows, columns, inputs.shape[-1], 1],
        out_backprop=upstream,
        strides=[1, strides, strides, 1],
        padding=padding,
    )
