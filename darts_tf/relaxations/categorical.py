"""No relaxation: one sampled operation an edge."""

import tensorflow as tf

from darts_tf.common.draws import gumbel
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation, masked


class Categorical(Relaxation):
    """One operation an edge, drawn from softmax(alpha), and no gradient through the draw.

    The search is over the distribution itself, min over alpha of E[L(Z)], and its gradient comes
    from the losses of draws, by an `Estimator` of `darts_tf.gradients`. Only the drawn operations
    are computed. Only their weights are trained in a step, and only their batch-norm statistics
    move. Without a draw each edge has its likeliest operation.
    """

    cell = "sampled"
    draws = Draws(single=True, differentiable=False)

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        logits = tf.stop_gradient(self.logits(space, cell_type, variables))
        if seed is not None:
            logits += gumbel(logits.shape, seed)
        return tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1])

    def probabilities(self, space, cell_type, variables):
        return tf.nn.softmax(self.logits(space, cell_type, variables), axis=-1)

    def logits(self, space, cell_type, variables):
        return masked(space, cell_type, variables["alpha"])
