"""The relaxation of DARTS."""

import tensorflow as tf

from darts_tf.relaxations.relaxation import Relaxation, masked


class Softmax(Relaxation):
    """Operation weights of every edge by a softmax over its candidate operations.

    Liu, Simonyan, Yang, ICLR 2019, equation 2. Every row sums to 1.
    """

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        return tf.nn.softmax(masked(space, cell_type, variables["alpha"]), axis=-1)
