"""Selection by the largest operation weights, as in DARTS."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes import Genotype
from darts_tf.genotypes.strongest import strongest
from darts_tf.spaces import Space, check_operation_weights


def magnitude(space: Space, weights: Mapping[str, np.ndarray]) -> Genotype:
    """The genotype of the largest operation weights.

    For every node the `space.edges_per_node` incoming edges whose strongest operation weighs most,
    and on each of them that operation (Liu, Simonyan, Yang, ICLR 2019, section 2.4). `none` is
    chosen only where `space.selects_none` says so (NAS-Bench-201, where all edges are kept);
    elsewhere its weight counts in the softmax, so it lowers an edge's rank, but `none` itself is
    never chosen. An operation that is no candidate of an edge is not chosen on it, and an edge
    without any is left out. Ties go to the lower source and the earlier
    operation.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`, or no edge
            to a node has an operation that may be chosen.
    """
    weights = check_operation_weights(space, weights)
    return strongest(space, weights)
