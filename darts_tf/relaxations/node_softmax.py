"""The relaxation of I-DARTS."""

import tensorflow as tf

from darts_tf.relaxations.relaxation import Relaxation, masked


class NodeSoftmax(Relaxation):
    """Operation weights by a softmax over all operations of all edges into a node.

    I-DARTS: Jiang, Hu, Xiao, Zhang, Zhu, Improved differentiable architecture search for language
    modeling and named entity recognition, EMNLP-IJCNLP 2019. (iDARTS, ICML 2021, is another
    method.) The edges into a node compete, so that their weights can be compared; the weights of
    a node sum to 1, where those of `Softmax` sum to the number of its edges.
    """

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        alpha = masked(space, cell_type, variables["alpha"])
        nodes = tf.constant([edge.node for edge in space.edges])
        rows = tf.stop_gradient(tf.reduce_max(alpha, axis=-1))
        largest = tf.gather(tf.math.segment_max(rows, nodes), nodes)
        powers = tf.exp(alpha - largest[:, None])
        # Products with a constant matrix: sums over the edges of a node, whose gradients are dense.
        same_node = tf.cast(nodes[:, None] == nodes[None, :], alpha.dtype)
        sums = tf.linalg.matvec(same_node, tf.reduce_sum(powers, axis=-1))
        return powers / sums[:, None]
