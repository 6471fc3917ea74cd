"""Random draws that more than one room takes."""

import numpy as np
import tensorflow as tf


def uniform(shape, seed) -> tf.Tensor:
    """Independent float32 draws from the open interval (0, 1)."""
    return tf.random.stateless_uniform(shape, seed, minval=np.finfo("float32").tiny)


def gumbel(shape, seed) -> tf.Tensor:
    """Independent float32 draws from the standard Gumbel distribution; all are finite."""
    return -tf.math.log(-tf.math.log(uniform(shape, seed)))
