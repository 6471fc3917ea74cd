"""The relaxation of GDAS."""

import tensorflow as tf

from darts_tf.common.draws import gumbel
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation, masked


class HardGumbel(Relaxation):
    """One operation an edge, drawn from softmax(alpha); its gradient is that of a softer draw.

        p = softmax((log_softmax(alpha) + g) / temperature),  k = argmax p,  weight of k = 1

    with Gumbel noise g (Dong & Yang, CVPR 2019, equations 4 to 6). The weight of the drawn
    operation is exactly 1 and has the gradient of p_k, those of the others are the constant 0:

        dL/dalpha_j = <dL/dy, operation_k(x)> * p_k * ((j == k) - p_j) / temperature

    The authors' first code for NAS-Bench-201 also added the weights of the operations that were
    not drawn, as numbers, to the features, which leaks a gradient into their alphas. That was
    corrected later, and so it is here. k is each operation with the probability softmax(alpha) at
    any temperature. Without a draw it is the likeliest one.
    """

    cell = "sampled"
    draws = Draws(single=True)
    temperature = 10.0

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        logits = self._log_probabilities(space, cell_type, variables)
        if seed is not None:
            logits += gumbel(logits.shape, seed)
        drawn = tf.argmax(logits, axis=-1)
        chosen = tf.one_hot(drawn, logits.shape[-1])
        if seed is None:
            return chosen
        soft = tf.gather(tf.nn.softmax(logits / temperature, axis=-1), drawn, batch_dims=1)
        # The difference is exactly 0, so that the weight is exactly 1.
        hard = 1 + (soft - tf.stop_gradient(soft))
        return hard[:, None] * chosen

    def probabilities(self, space, cell_type, variables):
        return tf.exp(self._log_probabilities(space, cell_type, variables))

    def _log_probabilities(self, space, cell_type, variables):
        return tf.nn.log_softmax(masked(space, cell_type, variables["alpha"]), axis=-1)
