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
        return node_softmax(space, masked(space, cell_type, variables["alpha"]))


def node_softmax(space, logits) -> tf.Tensor:
    """A softmax over the logits of all edges into a node, for every node.

    Args:
        space: the search space.
        logits: one for each edge, `[edges]`, or for each of its operations, `[edges, operations]`.

    Returns:
        As the logits; those into a node sum to 1.
    """
    of_operations = len(logits.shape) == 2

    def of_edges(reduce, values):
        return reduce(values, axis=-1) if of_operations else values

    def beside(values):
        return values[:, None] if of_operations else values

    nodes = tf.constant([edge.node for edge in space.edges])
    by_edge = tf.stop_gradient(of_edges(tf.reduce_max, logits))
    largest = tf.gather(tf.math.segment_max(by_edge, nodes), nodes)
    powers = tf.exp(logits - beside(largest))
    # A product with a constant matrix, whose gradient is dense.
    same_node = tf.cast(nodes[:, None] == nodes[None, :], logits.dtype)
    sums = tf.linalg.matvec(same_node, of_edges(tf.reduce_sum, powers))
    return powers / beside(sums)
