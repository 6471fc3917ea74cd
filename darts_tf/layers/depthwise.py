"""The depthwise convolution, with a faster gradient of wide kernels on a CPU."""

import tensorflow as tf

# The widest kernel for whose gradient oneDNN has a depthwise implementation. Wider ones, of any
# height, are computed as grouped convolutions that are padded to 16 channels a group.
_WIDEST = 3


def depthwise_conv2d(inputs, kernel, strides: int = 1, padding: str = "SAME"):
    """`tf.nn.depthwise_conv2d` without dilation, with equal strides.

    The gradient in a kernel wider than 3 is put together from gradients of narrower kernels, all
    of them TensorFlow's operations, so that it can be differentiated again.

    Args:
        inputs: `[batch, height, width, channels]`.
        kernel: `[k, k, channels, 1]`, of the same type.
        strides: in both directions.
        padding: "SAME" or "VALID".

    Returns:
        `[batch, height', width', channels]`.
    """
    if kernel.shape[1] <= _WIDEST or padding == "SAME" and strides > 1:
        return tf.nn.depthwise_conv2d(inputs, kernel, [1, strides, strides, 1], padding)

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradient(upstream):
            in_inputs = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(inputs),
                filter=kernel,
                out_backprop=upstream,
                strides=[1, strides, strides, 1],
                padding=padding,
            )
            return in_inputs, kernel_gradient(inputs, upstream, kernel.shape, strides, padding)

        outputs = tf.nn.depthwise_conv2d(inputs, kernel, [1, strides, strides, 1], padding)
        return outputs, gradient

    return convolve(inputs, kernel)


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
    if padding == "SAME" and shape[1] == 5 and inputs.shape[2] % 2 == 0:
        return _by_pairs(inputs, upstream, shape)
    if padding == "SAME":
        rows, columns = shape[0] // 2, shape[1] // 2
        inputs = tf.pad(inputs, [[0, 0], [rows, rows], [columns, columns], [0, 0]])
    parts = []
    for first in range(0, shape[1], _WIDEST):
        columns = min(_WIDEST, shape[1] - first)
        end = first + (upstream.shape[2] - 1) * strides + columns
        parts.append(
            _gradient(inputs[:, :, first:end], upstream, shape[0], columns, strides, "VALID")
        )
    return tf.concat(parts, 1)


def _by_pairs(inputs, upstream, shape):
    """Five columns without copying an image.

    Columns 1 to 3 are the gradient of a kernel three wide. Columns 0, 2 and 4 are that of such a
    kernel where two neighbouring pixels are seen as one pixel of twice the channels.
    """
    height, width, channels = inputs.shape[1:]
    pairs = [-1, height, width // 2, 2 * channels]
    inner = _gradient(inputs, upstream, shape[0], 3)
    outer = _gradient(tf.reshape(inputs, pairs), tf.reshape(upstream, pairs), shape[0], 3)
    outer = outer[:, :, :channels] + outer[:, :, channels:]
    return tf.concat([outer[:, :1], inner, outer[:, 2:]], 1)


def _gradient(inputs, upstream, rows, columns, strides=1, padding="SAME"):
    return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=inputs,
        filter_sizes=[rows, columns, inputs.shape[-1], 1],
        out_backprop=upstream,
        strides=[1, strides, strides, 1],
        padding=padding,
    )
