"""Selection with a limited number of skip connections, as in P-DARTS."""

from collections.abc import Mapping

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import Space


def few_skips(space: Space, weights: Mapping[str, np.ndarray], most: int = 2) -> Genotype:
    """The genotype of the largest weights with at most `most` skip connections.

    P-DARTS: Chen, Xie, Wu, Tian, ICCV 2019, section 3.4, "search space regularization". As long as
    the cell has more, the weight of the skip connection that weighs least of those selected becomes
    0, and the cell is selected again by `magnitude`. The limit is for the first cell type, the
    normal cell, only. An edge that has no other candidate keeps its skip connection. In a space
    without skip connections, such as S4, nothing is limited.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`.
        most: how many skip connections the normal cell may have. Default 2, the authors'.
    """
    if "skip_connect" not in space.operations:
        return magnitude(space, weights)
    weights = {name: np.array(values) for name, values in weights.items()}
    values, skip = weights[space.cell_types[0]], space.operations.index("skip_connect")
    while True:
        genotype = magnitude(space, weights)
        chosen = [
            e
            for e, place in enumerate(space.edges)
            if ("skip_connect", place.source) in _node(genotype, space, place)
            and values[e, skip] > 0
        ]
        if len(chosen) <= most:
            return genotype
        values[min(chosen, key=lambda e: values[e, skip]), skip] = 0


def _node(genotype, space, place):
    return genotype[space.cell_types[0]].nodes[place.node]
