"""Random genotypes."""

import random

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
