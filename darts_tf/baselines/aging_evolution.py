"""Regularised (aging) evolution."""

import random

from darts_tf import genotypes
from darts_tf.baselines.baseline import Baseline
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.spaces import Space


class AgingEvolution(Baseline):
    """The best of a random few of the youngest candidates is mutated; the oldest one dies.

    Real, Aggarwal, Huang, Le. Regularized Evolution for Image Classifier Architecture Search. AAAI
    2019, algorithm 1. The population is at all times the last `population` candidates, because
    each step adds one and removes the oldest, whatever its score.

    Args:
        population: size of the population, which starts with random architectures. Default 10, as
            in the experiments of NAS-Bench-201.
        tournament: how many of the population are drawn, without replacement, to choose a parent
            among them. Default 3.

    Raises:
        UserError: they are not 1 <= tournament <= population.
    """

    name = "aging-evolution"
    paper = "Real et al. Regularized Evolution for Image Classifier Architecture Search. AAAI 2019"

    def __init__(self, population: int = 10, tournament: int = 3):
        if not 1 <= tournament <= population:
            raise UserError(
                f"tournament is {tournament} and population {population}; expected "
                "1 <= tournament <= population"
            )
        self.population = population
        self.tournament = tournament

    def propose(self, space, history, draw):
        if len(history) < self.population:
            return genotypes.sample(space, draw.getrandbits(48))
        drawn = draw.sample(history[-self.population :], self.tournament)
        parent = max(drawn, key=lambda candidate: candidate.score)
        return mutate(space, parent.genotype, draw)


def mutate(space: Space, genotype: Genotype, draw: random.Random) -> Genotype:
    """A copy with one random change on one random edge.

    Either the edge gets another operation, or, where a node keeps only some of its edges, it
    leads from another state (each with probability 1/2 where both are possible).
    """
    places = [
        (cell_type, node, k)
        for cell_type, cell in genotype.cells.items()
        for node, edges in enumerate(cell.nodes)
        for k in range(len(edges))
    ]
    draw.shuffle(places)
    for cell_type, node, k in places:
        edges = list(genotype[cell_type].nodes[node])
        changes = [
            options
            for options in (
                _other_operations(space, cell_type, node, edges[k]),
                _other_sources(space, cell_type, node, edges, k),
            )
            if options
        ]
        if changes:
            edges[k] = draw.choice(draw.choice(changes))
            cells = genotype.cells
            nodes = list(cells[cell_type].nodes)
            nodes[node] = tuple(sorted(edges, key=lambda edge: edge.source))
            cells[cell_type] = CellGenotype(tuple(nodes), cells[cell_type].concat)
            return Genotype(space, cells)
    raise UserError(f"the space {space.name!r} holds a single architecture; there is no other")


def _candidates(space, cell_type, node) -> dict[int, tuple[str, ...]]:
    """Source -> the operations that may be chosen on the edge from it."""
    names = space.choosable_on(cell_type)
    return {space.edges[e].source: names[e] for e in space.edges_into(node)}


def _other_operations(space, cell_type, node, edge) -> list[Edge]:
    names = _candidates(space, cell_type, node)[edge.source]
    return [Edge(name, edge.source) for name in names if name != edge.operation]


def _other_sources(space, cell_type, node, edges, k) -> list[Edge]:
    """The same operation from a state that no edge of the node leaves yet."""
    taken = {edge.source for edge in edges}
    return [
        Edge(edges[k].operation, source)
        for source, names in _candidates(space, cell_type, node).items()
        if source not in taken and edges[k].operation in names
    ]
