"""Sizes of tensors that a graph may not know."""

import tensorflow as tf


def dimension(tensor, axis: int):
    """A dimension of a tensor: a Python int where the graph knows it, else a scalar int32."""
    known = tensor.shape[axis]
    return tf.shape(tensor)[axis] if known is None else known


def copies_of_channels(inputs, count):
    """`[batch, height, width, channels]` as `[batch, height, width, count * channels]`.

    `tf.tile`, whose own gradient takes many nodes where the graph knows no sizes.

    Args:
        inputs: four dimensions.
        count: int or scalar int32.
    """

    @tf.custom_gradient
    def tile(inputs):
        def gradient(upstream):
            parts = tf.reshape(upstream, [-1, count, dimension(inputs, 3)])
            return tf.reshape(tf.reduce_sum(parts, 1), tf.shape(inputs))

        return tf.tile(inputs, [1, 1, 1, count]), gradient

    return tile(inputs)


def for_every_channel(rows, channels, columns: int):
    """Every row of `[rows, columns]` `channels` times: `[rows * channels, columns]`.

    Args:
        rows: a matrix.
        channels: int or scalar int32.
        columns: number of columns.
    """

    @tf.custom_gradient
    def repeat(rows):
        def gradient(upstream):
            return tf.reduce_sum(tf.reshape(upstream, [-1, channels, columns]), 1)

        return tf.reshape(tf.tile(rows[:, None, :], [1, channels, 1]), [-1, columns]), gradient

    return repeat(rows)
