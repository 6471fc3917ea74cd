"""Places the vertices of a layered graph so that edges cross little and touch no other vertex.

The three steps are those of K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of
hierarchical system structures", IEEE Transactions on Systems, Man, and Cybernetics 11, 1981: long
edges get a vertex in every layer that they pass, each layer is ordered by the barycentres of its
neighbours, then heights are chosen within that order.
"""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

_SWEEPS = 24
_HEIGHT_SWEEPS = 200
# How strongly a segment pulls its two ends to one height, by how many ends lie on a long edge:
# the longer an edge, the more a bend in it disturbs (E. R. Gansner et al., "A technique for
# drawing directed graphs", IEEE Transactions on Software Engineering 19, 1993).
_PULL = (1.0, 2.0, 16.0)


@dataclasses.dataclass(frozen=True)
class _Passage:
    """Where an edge passes a layer between its ends."""

    edge: int
    layer: int


class _Segment(NamedTuple):
    """The part of an edge between two neighbouring layers."""

    start: Hashable
    end: Hashable
    weight: float


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where everything goes.

    Attributes:
        heights: the vertical position of the middle of every vertex.
        passages: for every edge, in the order given, its height in each layer strictly between
            the layers of its ends.
    """

    heights: dict[Hashable, float]
    passages: list[list[float]]


def place(
    layers: Mapping[Hashable, int],
    edges: Sequence[tuple[Hashable, Hashable]],
    sizes: Mapping[Hashable, float],
    passage_size: float,
    priorities: Sequence[float] | None = None,
) -> Layout:
    """Chooses the height of every vertex.

    Args:
        layers: the layer of every vertex; an edge leads to a higher layer.
        edges: pairs (from, to).
        sizes: the height that a vertex needs, its margin included.
        passage_size: the same for an edge that passes through a layer.
        priorities: how much it matters that each edge is straight and crosses no other; all alike
            by default.

    Returns:
        The layout, the same for the same arguments.
    """
    layer_of, segments, chains = dict(layers), [], []
    for i, (start, end) in enumerate(edges):
        chain = [_Passage(i, layer) for layer in range(layers[start] + 1, layers[end])]
        layer_of.update((passage, passage.layer) for passage in chain)
        chains.append(chain)
        stops = [start, *chain, end]
        for segment in itertools.pairwise(stops):
            segments.append(_Segment(*segment, priorities[i] if priorities else 1.0))
    size_of = {v: passage_size if isinstance(v, _Passage) else sizes[v] for v in layer_of}
    order = _order(layer_of, segments)
    heights = _heights(order, segments, size_of)
    return Layout(
        {vertex: heights[vertex] for vertex in layers},
        [[heights[passage] for passage in chain] for chain in chains],
    )


def _neighbours(segments):
    before, after = defaultdict(list), defaultdict(list)
    for start, end, _ in segments:
        after[start].append(end)
        before[end].append(start)
    return before, after


def crossings(order: Sequence[Sequence[Hashable]], segments) -> float:
    """The pairs of segments that cross in this order, each counted as its weights' product."""
    rank = {vertex: i for layer in order for i, vertex in enumerate(layer)}
    layer_of = {vertex: i for i, layer in enumerate(order) for vertex in layer}
    total = 0.0
    for i, (a, b, weight) in enumerate(segments):
        for c, d, other_weight in segments[:i]:
            crossed = layer_of[a] == layer_of[c] and ((rank[a] - rank[c]) * (rank[b] - rank[d]) < 0)
            total += crossed * weight * other_weight
    return total


def _order(layer_of, segments) -> list[list[Hashable]]:
    """Orders each layer by barycentres, then by exchanging neighbours while that helps."""
    order = [[] for _ in range(max(layer_of.values()) + 1)]
    for vertex, layer in layer_of.items():
        order[layer].append(vertex)
    before, after = _neighbours(segments)
    best, fewest = order, crossings(order, segments)
    for sweep in range(_SWEEPS):
        neighbours = (before, after)[sweep % 2]
        order = [list(layer) for layer in order]
        for layer in order if sweep % 2 == 0 else reversed(order):
            rank = {vertex: i for other in order for i, vertex in enumerate(other)}

            def barycentre(vertex, neighbours=neighbours, rank=rank):
                around = [rank[other] for other in neighbours[vertex]]
                return sum(around) / len(around) if around else rank[vertex]

            layer.sort(key=barycentre)
        count = crossings(order, segments)
        if count < fewest:
            best, fewest = order, count
    return _exchange(best, segments, fewest)


def _exchange(order, segments, fewest) -> list[list[Hashable]]:
    improved = True
    while improved:
        improved = False
        for layer in order:
            for i in range(len(layer) - 1):
                layer[i], layer[i + 1] = layer[i + 1], layer[i]
                count = crossings(order, segments)
                if count < fewest:
                    fewest, improved = count, True
                else:
                    layer[i], layer[i + 1] = layer[i + 1], layer[i]
    return order


def _heights(order, segments, size_of) -> dict[Hashable, float]:
    """Draws every vertex to its neighbours, as far as order and sizes allow."""
    pulls = defaultdict(list)
    for start, end, weight in segments:
        pull = weight * _PULL[isinstance(start, _Passage) + isinstance(end, _Passage)]
        pulls[start].append((end, pull))
        pulls[end].append((start, pull))
    heights = {}
    for layer in order:
        heights.update(zip(layer, _offsets(layer, size_of), strict=True))
        middle = (heights[layer[0]] + heights[layer[-1]]) / 2
        for vertex in layer:
            heights[vertex] -= middle
    for sweep in range(_HEIGHT_SWEEPS):
        for layer in order if sweep % 2 == 0 else reversed(order):
            wanted, priorities = [], []
            for vertex in layer:
                total = sum(pull for _, pull in pulls[vertex])
                priorities.append(total or 1.0)
                wanted.append(
                    sum(pull * heights[other] for other, pull in pulls[vertex]) / total
                    if total
                    else heights[vertex]
                )
            heights.update(
                zip(layer, _spread(wanted, priorities, _offsets(layer, size_of)), strict=True)
            )
    return heights


def _offsets(layer, size_of) -> list[float]:
    """Heights of the vertices of a layer that are packed as tightly as their sizes allow."""
    offsets = [0.0]
    for above, below in itertools.pairwise(layer):
        offsets.append(offsets[-1] + (size_of[above] + size_of[below]) / 2)
    return offsets


def _spread(wanted, priorities, offsets) -> list[float]:
    """Heights nearest to the wanted ones (weighted least squares) that keep the distances.

    With the packed heights subtracted this is isotonic regression, which pooling adjacent
    violators solves exactly.
    """
    blocks = []
    for target, weight, offset in zip(wanted, priorities, offsets, strict=True):
        blocks.append([target - offset, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value, total, count = blocks.pop()
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + value * total) / (blocks[-1][1] + total),
                blocks[-1][1] + total,
                blocks[-1][2] + count,
            ]
    levels = [value for value, _, count in blocks for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
