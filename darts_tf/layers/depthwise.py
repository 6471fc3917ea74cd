"""The depthwise convolution, with faster gradients on a CPU: of wide kernels, and in bfloat16."""

import functools

import tensorflow as tf

from darts_tf.layers.shapes import dimension

# The widest kernel for whose gradient oneDNN has a depthwise implementation. Wider ones, of any
# height, are computed as grouped convolutions that are padded to 16 channels a group.
_WIDEST = 3


def depthwise_conv2d(
    inputs, kernel, strides: int = 1, padding: str = "SAME", even_width: bool | None = None
):
    """`tf.nn.depthwise_conv2d` without dilation, with equal strides.

    The gradient in a kernel wider than 3 is put together from gradients of narrower kernels, all
    of them TensorFlow's operations, so that it can be differentiated again. In bfloat16 on a CPU,
    which has no fast gradients for that, they are computed in float32 and rounded.

    Args:
        inputs: `[batch, height, width, channels]`; all of them may be unknown in a graph.
        kernel: `[k, k, channels, 1]`, of the same type.
        strides: in both directions.
        padding: "SAME" or "VALID".
        even_width: whether the width is even, for a graph that doesn't know it; default: what the
            shape says.

    Returns:
        `[batch, height', width', channels]`.
    """
    wide = kernel.shape[1] > _WIDEST
    dtype = tf.float32 if _slow(inputs.dtype) else inputs.dtype
    if not wide and dtype == inputs.dtype or padding == "SAME" and strides > 1:
        return _depthwise(inputs, kernel, strides, padding)
    if even_width is None:
        even_width = inputs.shape[2] is not None and inputs.shape[2] % 2 == 0

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradient(upstream):
            images, taps, slopes = (tf.cast(x, dtype) for x in (inputs, kernel, upstream))
            in_inputs = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(inputs),
                filter=taps,
                out_backprop=slopes,
                strides=[1, strides, strides, 1],
                padding=padding,
            )
            in_kernel = kernel_gradient(images, slopes, kernel, strides, padding, even_width)
            return tf.cast(in_inputs, inputs.dtype), tf.cast(in_kernel, kernel.dtype)

        return _depthwise(inputs, kernel, strides, padding), gradient

    return convolve(inputs, kernel)


def _depthwise(inputs, kernel, strides, padding):
    # Without `tf.nn`'s nodes for a dilation that is 1.
    return tf.raw_ops.DepthwiseConv2dNative(
        input=inputs, filter=kernel, strides=[1, strides, strides, 1], padding=padding
    )


@functools.cache
def _slow(dtype) -> bool:
    """Whether gradients of this type are many times slower than in float32 here."""
    return dtype == tf.bfloat16 and not tf.config.list_logical_devices("GPU")


def kernel_gradient(inputs, upstream, kernel, strides: int, padding: str, even_width: bool):
    """The gradient of a depthwise convolution in its kernel, of at most 3 columns at a time.

    Args:
        inputs: `[batch, height, width, channels]`.
        upstream: the gradient in the outputs.
        kernel: `[k, k, channels, 1]`.
        strides: in both directions; 1 if the padding is "SAME".
        padding: "SAME" or "VALID".
        even_width: whether the width is known to be even.

    Returns:
        A tensor of the kernel's shape.
    """
    size, channels = kernel.shape[0], dimension(kernel, 2)
    if size <= _WIDEST:
        return _gradient(inputs, upstream, size, size, channels, strides, padding)
    if padding == "SAME" and size == 5 and even_width:
        return _by_pairs(inputs, upstream, size, channels)
    if padding == "SAME":
        around = [size // 2, size // 2]
        inputs = tf.pad(inputs, [[0, 0], around, around, [0, 0]])
    parts = []
    for first in range(0, size, _WIDEST):
        columns = min(_WIDEST, size - first)
        end = first + (dimension(upstream, 2) - 1) * strides + columns
        seen = inputs[:, :, first:end]
        parts.append(_gradient(seen, upstream, size, columns, channels, strides, "VALID"))
    return tf.concat(parts, 1)


def _by_pairs(inputs, upstream, rows, channels):
    """Five columns without copying an image.

    Columns 1 to 3 are the gradient of a kernel three wide. Columns 0, 2 and 4 are that of such a
    kernel where two neighbouring pixels are seen as one pixel of twice the channels.
    """
    pairs = [-1, dimension(inputs, 1), dimension(inputs, 2) // 2, 2 * channels]
    inner = _gradient(inputs, upstream, rows, 3, channels)
    outer = _gradient(tf.reshape(inputs, pairs), tf.reshape(upstream, pairs), rows, 3, 2 * channels)
    outer = outer[:, :, :channels] + outer[:, :, channels:]
    return tf.concat([outer[:, :1], inner, outer[:, 2:]], 1)


def _gradient(inputs, upstream, rows, columns, channels, strides=1, padding="SAME"):
    return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=inputs,
        filter_sizes=[rows, columns, channels, 1],
        out_backprop=upstream,
        strides=[1, strides, strides, 1],
        padding=padding,
    )
