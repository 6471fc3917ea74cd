"""Random genotypes."""

import random
from collections.abc import Mapping

import numpy as np

from darts_tf import spaces
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype


def sample(space: spaces.Space, seed: int) -> Genotype:
    """A uniformly random genotype: the baseline that any search has to beat.

    Every node gets `space.edges_per_node` different edges and each of them one of its candidates,
    other than `none` unless `space.selects_none`, as in the random search that Liu, Simonyan, Yang,
    ICLR 2019, compare with.
    """
    draw = random.Random(seed)
    cells = {}
    for cell_type in space.cell_types:
        candidates = space.choosable_on(cell_type)
        nodes = []
        for node in range(space.nodes):
            edges = [e for e in space.edges_into(node) if candidates[e]]
            kept = draw.sample(edges, min(space.edges_per_node or len(edges), len(edges)))
            kept.sort()
            nodes.append(
                tuple(Edge(draw.choice(candidates[e]), space.edges[e].source) for e in kept)
            )
        cells[cell_type] = CellGenotype(tuple(nodes), space.concat)
    return Genotype(space, cells)


def sample_learned(
    space: spaces.Space, weights: Mapping[str, np.ndarray], draw: np.random.Generator
) -> Genotype:
    """Draws an architecture from the operation weights that a search has learned.

    The edges of a node are drawn one after the other without replacement: an edge and its operation
    together, in proportion to the operation's weight. `none` is drawn only where a derived cell may
    hold it. Where every edge is kept, each edge's operation is an independent draw from its
    softmax. Equal weights give the distribution of `darts_tf.genotypes.sample` if all edges have
    the same candidates.

    Args:
        space: the space of the supernet.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.
        draw: random numbers.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    cells = {}
    for cell_type, values in spaces.check_operation_weights(space, weights).items():
        shares = np.where(space.choosable(cell_type), values, 0).astype(np.float64)
        nodes = []
        for node in range(space.nodes):
            into = [e for e in space.edges_into(node) if shares[e].any()]
            kept = []
            for _ in range(min(space.edges_per_node or len(into), len(into))):
                flat = shares[into].ravel() / shares[into].sum()
                row, operation = divmod(draw.choice(len(flat), p=flat), len(space.operations))
                kept.append((into.pop(row), operation))
            nodes.append(
                [Edge(space.operations[o], space.edges[e].source) for e, o in sorted(kept)]
            )
        cells[cell_type] = CellGenotype(nodes, space.concat)
    return Genotype(space, cells)
