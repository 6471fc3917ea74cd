import itertools

import pytest

from darts_tf.plots import layered_layout
from darts_tf.plots.layered_layout import place


def segments(*pairs):
    return [layered_layout._Segment(start, end, 1.0) for start, end in pairs]


def test_crossings_counts_pairs():
    edges = segments(("a", "y"), ("b", "x"), ("a", "z"), ("b", "z"))
    assert layered_layout.crossings([["a", "b"], ["x", "y", "z"]], edges) == 2
    assert layered_layout.crossings([["b", "a"], ["x", "y", "z"]], edges) == 1
    assert layered_layout.crossings([["b", "a"], ["x", "z", "y"]], edges) == 0


def test_place_finds_the_order_without_crossings():
    layers = {"a": 0, "b": 0, "c": 0, "x": 1, "y": 1, "z": 1}
    edges = [("a", "z"), ("b", "x"), ("c", "y")]
    heights = place(layers, edges, dict.fromkeys(layers, 1.0), 0.2).heights
    # Three separate edges can all be level.
    assert all(heights[start] == pytest.approx(heights[end], abs=1e-6) for start, end in edges)


def test_spread_is_the_weighted_least_squares_solution():
    # Two that want one place stand one apart around it; the heavier one moves a third as much.
    assert layered_layout._spread([5, 5], [1, 1], [0, 1]) == [4.5, 5.5]
    assert layered_layout._spread([5, 5], [3, 1], [0, 1]) == [4.75, 5.75]
    assert layered_layout._spread([0, 5], [1, 1], [0, 1]) == [0, 5]


def test_nothing_in_a_layer_overlaps_whatever_the_graph():
    layers = {(layer, i): layer for layer in range(4) for i in range(3)}
    edges = [
        (start, end)
        for start, end in itertools.product(layers, layers)
        if layers[start] < layers[end] and (sum(start) + 2 * sum(end)) % 3
    ]
    sizes = {vertex: 0.5 + 0.25 * vertex[1] for vertex in layers}
    layout = place(layers, edges, sizes, passage_size=0.2)
    for layer in range(4):
        spans = [(layout.heights[vertex], sizes[vertex]) for vertex in layers if vertex[0] == layer]
        for (start, end), passages in zip(edges, layout.passages, strict=True):
            if layers[start] < layer < layers[end]:
                spans.append((passages[layer - layers[start] - 1], 0.2))
        spans.sort()
        for (y, size), (other, other_size) in itertools.pairwise(spans):
            assert other - y >= (size + other_size) / 2 - 1e-9


def test_an_edge_has_a_passage_in_every_layer_between_its_ends():
    layers = {"a": 0, "b": 1, "c": 2, "d": 3}
    layout = place(layers, [("a", "d"), ("a", "b"), ("b", "d")], dict.fromkeys(layers, 1.0), 0.2)
    assert [len(passages) for passages in layout.passages] == [2, 0, 1]
