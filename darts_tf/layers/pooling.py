"""Pooling with gradients that are right and fast on a CPU."""

import functools

import numpy as np
import tensorflow as tf

from darts_tf.common.compiled_elsewhere import on_cpu

# oneDNN's fast gradient of average pooling is for multiples of so many channels.
_FAST_CHANNELS = 16


def average_pool(inputs, size: int):
    """Average pooling by strides of 1, padding "SAME", with a gradient that is as fast.

    The mean is that of the pixels inside the image. oneDNN's gradient of it takes three to five
    times as long for 8 or 36 channels as for 16 or 48. Where a window has n(p) pixels at p, that
    gradient is the sum over the window of u / n, and so the mean of u / n, times n: pooling again.

    Args:
        inputs: `[batch, height, width, channels]`, height and width known.
        size: of the window, an odd number of pixels.

    Returns:
        As the inputs; it may be differentiated any number of times.
    """
    if inputs.shape[-1] % _FAST_CHANNELS == 0 or inputs.dtype != tf.float32 or not on_cpu():
        return tf.nn.avg_pool2d(inputs, size, 1, "SAME")
    inside = _pixels_inside(*inputs.shape[1:3], size)

    @tf.custom_gradient
    def pool(inputs):
        def gradient(upstream):
            return average_pool(upstream / inside, size) * inside

        return tf.nn.avg_pool2d(inputs, size, 1, "SAME"), gradient

    return pool(inputs)


def _pixels_inside(height: int, width: int, size: int) -> np.ndarray:
    """How many pixels of the window around each pixel are of the image, `[1, height, width, 1]`."""
    rows, columns = (
        [min(i + size // 2, length - 1) - max(i - size // 2, 0) + 1 for i in range(length)]
        for length in (height, width)
    )
    return np.outer(rows, columns).astype(np.float32)[None, :, :, None]


def max_pool(inputs, size: int, strides: int, padding: str):
    """`tf.nn.max_pool2d` with a right second derivative, and a fast first one without Grappler.

    TensorFlow's `MaxPoolGradGrad` writes its result over its input where both are of one shape
    (strides of 1, padding "SAME") and a graph has no other use for the input: on a CPU the second
    derivative is then wrong, silently. Here the border is made of pixels of its own, so that the
    shapes differ.

    oneDNN's gradient, 30 times as fast as TensorFlow's own, is only taken where the pooled image
    comes straight from the pooling. The borders of functions come between the two unless Grappler
    removes them, so the gradient pools again, which costs less than 1 % of a search step.

    Args:
        inputs: `[batch, height, width, channels]`.
        size: of the window, an odd number of pixels if the padding is "SAME" and strides are 1.
        strides: in both directions.
        padding: "SAME" or "VALID".

    Returns:
        `[batch, height', width', channels]`; it may be differentiated any number of times.
    """
    steps = {"ksize": [1, size, size, 1], "strides": [1, strides, strides, 1]}

    @tf.custom_gradient
    def pool(inputs):
        def gradient(upstream):
            # Of the graph of the gradient, which the gradient of `scatter` sees.
            images = tf.identity(inputs)
            outputs = tf.nn.max_pool2d(images, size, strides, padding)

            # Of the upstream gradient only: it depends on the inputs in jumps.
            @tf.custom_gradient
            def scatter(upstream):
                in_inputs = tf.raw_ops.MaxPoolGrad(
                    orig_input=images, orig_output=outputs, grad=upstream, padding=padding, **steps
                )
                return in_inputs, functools.partial(choose, images, outputs)

            return scatter(upstream)

        return tf.nn.max_pool2d(inputs, size, strides, padding), gradient

    def choose(inputs, outputs, values):
        """Of each window, the value where its largest pixel is."""
        valid = padding
        if padding == "SAME" and strides == 1:
            border = [[0, 0], [size // 2] * 2, [size // 2] * 2, [0, 0]]
            inputs = tf.pad(inputs, border, constant_values=inputs.dtype.min)
            values, valid = tf.pad(values, border), "VALID"
        return tf.raw_ops.MaxPoolGradGrad(
            orig_input=inputs, orig_output=outputs, grad=values, padding=valid, **steps
        )

    return pool(inputs)
