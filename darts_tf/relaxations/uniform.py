"""The relaxation of random search with weight sharing."""

import tensorflow as tf

from darts_tf.common.seeds import of_part
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation


class Uniform(Relaxation):
    """A uniformly random architecture in every step; nothing is learned about architectures.

    As in `darts_tf.genotypes.sample`: every node keeps `space.edges_per_node` different edges, and
    each of them one of its candidates, other than `none` unless `space.selects_none`. The weights
    are 1 for those and 0 for all others (Li, Talwalkar, UAI 2019, section 3.3).
    """

    draws = Draws(single=True)

    def variables(self, space):
        return {}

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        if seed is None:
            return self.probabilities(space, cell_type, variables)
        allowed = space.choosable(cell_type)
        draws = tf.random.stateless_uniform(allowed.shape, seed)
        operations = tf.argmax(tf.where(allowed, draws, -1.0), axis=1)
        # The edges of a node with the largest draws of their own are a random subset.
        edges = tf.random.stateless_uniform([len(space.edges)], of_part(seed, 1))
        edges = tf.where(allowed.any(axis=1), edges, -1.0)
        kept = []
        for node in range(space.nodes):
            into = space.edges_into(node)
            own = edges[into[0] : into[-1] + 1]
            count = min(space.edges_per_node or len(into), len(into))
            smallest = tf.math.top_k(own, count).values[-1]
            kept.append((own >= smallest) & (own >= 0))
        chosen = tf.one_hot(operations, allowed.shape[1])
        return chosen * tf.cast(tf.concat(kept, 0), tf.float32)[:, None]

    def probabilities(self, space, cell_type, variables):
        allowed = tf.cast(space.choosable(cell_type), tf.float32)
        return tf.math.divide_no_nan(allowed, tf.reduce_sum(allowed, axis=1, keepdims=True))
