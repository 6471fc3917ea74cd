"""The relaxation of SNAS."""

import tensorflow as tf

from darts_tf.common.draws import gumbel
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation, Start, masked


class GumbelSoftmax(Relaxation):
    """Operation weights that are a random draw from the concrete distribution.

        z = softmax((alpha + g) / temperature),  g = -log(-log(u)),  u uniform in (0, 1)

    SNAS: Xie, Zheng, Liu, Lin, ICLR 2019, equation 3. The largest weight of an edge is each of its
    operations with the probability softmax(alpha), at any temperature. The alphas start from
    N(1, 0.01), a standard deviation, as in the authors' code. Without a draw the weights are
    softmax(alpha).
    """

    draws = Draws()
    temperature = 1.0

    def variables(self, space):
        return {"alpha": Start((len(space.edges), len(space.operations)), 1.0, 0.01)}

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        alpha = masked(space, cell_type, variables["alpha"])
        if seed is None:
            return tf.nn.softmax(alpha, axis=-1)
        return tf.nn.softmax((alpha + gumbel(alpha.shape, seed)) / temperature, axis=-1)
