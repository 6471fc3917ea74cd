"""The relaxation of DARTS."""

import tensorflow as tf


def softmax(logits):
    """Operation weights of every edge by a softmax over its candidate operations.

    Liu, Simonyan, Yang, ICLR 2019, equation 2.

    Args:
        logits: alpha of one cell type, `[edges, operations]`, float32.

    Returns:
        `[edges, operations]`; every row sums to 1.
    """
    return tf.nn.softmax(logits, axis=-1)
