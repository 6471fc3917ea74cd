"""The relaxation of PC-DARTS."""

import dataclasses

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.relaxations.node_softmax import node_softmax
from darts_tf.relaxations.relaxation import Relaxation, Start, masked


@dataclasses.dataclass(frozen=True)
class PartialChannels(Relaxation):
    """A softmax over the operations of an edge for a part of its channels, and edge weights.

    PC-DARTS: Xu et al., ICLR 2020. One channel in `portion` goes through the candidate
    operations, mixed by softmax(alpha); the others pass by. Because operations on so few channels
    say little about the edge, edges have weights of their own, a softmax of beta over the edges
    into a node (section 3.3, "edge normalization"). Alphas and betas start from 1e-3 * N(0, 1). An
    operation of the derived cell is judged by the product of both.

    Args:
        portion: K of the paper; it divides the channels of every cell. Default 4.

    Raises:
        UserError: portion is below 1.
    """

    portion: int = 4

    cell = "partial"

    def __post_init__(self):
        if self.portion < 1:
            raise UserError(f"portion must be at least 1, got {self.portion}")

    @property
    def cell_arguments(self):
        return {"portion": self.portion}

    def variables(self, space):
        return {**super().variables(space), "beta": Start((len(space.edges),))}

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        """The pair of operation weights `[edges, operations]` and edge weights `[edges]`."""
        alpha = masked(space, cell_type, variables["alpha"])
        return tf.nn.softmax(alpha, axis=-1), node_softmax(space, variables["beta"])

    def probabilities(self, space, cell_type, variables):
        """The products of operation and edge weights; those into a node sum to 1."""
        of_operations, of_edges = self.weights(space, cell_type, variables)
        return of_operations * of_edges[:, None]
