"""Selection of the cells of a supernet that has grown."""

import numpy as np

from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import check_operation_weights
from darts_tf.spaces.copies import kind_of
from darts_tf.spaces.two_input_rnn import found_in


def grown(space, weights) -> Genotype:
    """For every node of a chain the operation of the largest weight, with all of its copies.

    The copies of an operation have shared its weight, so that they are judged by their sum, and
    stay together, each with its own weights in the cell that is found. What is pruned in the end is
    thus all else. Of other spaces, which have no copies, it is `magnitude`.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    if space.kind != "two_input":
        return magnitude(space, weights)
    (cell_type,), weights = space.cell_types, check_operation_weights(space, weights)
    nodes = []
    for node, (names, row) in enumerate(
        zip(space.operations_on(cell_type), weights[cell_type], strict=True)
    ):
        total: dict[str, float] = {}
        for name in names:
            weight = float(row[space.operations.index(name)])
            total[kind_of(name)] = total.get(kind_of(name), 0.0) + weight
        total.pop("none", None)
        best = list(total)[int(np.argmax(list(total.values())))]
        nodes.append(tuple(Edge(best, node) for name in names if kind_of(name) == best))
    return Genotype(found_in(space), {cell_type: CellGenotype(tuple(nodes), space.concat)})
