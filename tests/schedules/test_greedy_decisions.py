import numpy as np
import pytest

from darts_tf import genotypes, spaces
from darts_tf.schedules import GreedyDecisions
from darts_tf.schedules.greedy_decisions import edge_scores
from darts_tf.schedules.rules import Observation

SPACE = spaces.get("darts_cnn")
ROWS = np.array([[0.1, 0.6, 0.3], [0.4, 0.3, 0.3], [0.2, 0.7, 0.1]])  # `none` first.


def test_the_worked_example():
    """Importance 0.9, 0.6, 0.8; certainty 0.0817, 0, 0.4564."""
    np.testing.assert_allclose(edge_scores(ROWS, none=0), [0.1790, 0, 0.6667], atol=5e-5)


def test_stability_is_a_third_factor():
    history = [ROWS, ROWS[:, [0, 2, 1]]]
    # Intersections: 1 and 1, 1 and 1, with the second (0.1+0.3+0.3, 1, 0.2+0.1+0.1).
    stability = np.array([(1 + 0.7) / 2, 1, (1 + 0.4) / 2])
    scaled = (stability - 0.7) / 0.3
    np.testing.assert_allclose(
        edge_scores(ROWS, 0, history), edge_scores(ROWS, 0) * scaled, atol=1e-12
    )
    assert edge_scores(ROWS, 0, history).argmax() != edge_scores(ROWS, 0).argmax()


def test_without_none_the_certainty_decides():
    scores = edge_scores(ROWS[:, 1:], none=None)
    assert scores.argmax() == 2 and scores.max() == 1


def test_equal_edges_are_all_zero():
    np.testing.assert_array_equal(edge_scores(np.full((4, 3), 1 / 3), 0), np.zeros(4))


def run(rule, space, epochs, seed=0):
    """Searches with random weights that do not change; epoch -> what was fixed in it."""
    rng = np.random.default_rng(seed)
    shape = (len(space.edges), len(space.operations))
    rows = {t: rng.dirichlet(np.ones(shape[1]), shape[0]) for t in space.cell_types}
    start = {t: value.copy() for t, value in rows.items()}
    decided = {t: np.zeros(shape[0], bool) for t in space.cell_types}
    fixed, seen = {}, []
    for epoch in range(epochs):
        genotype = genotypes.sample(space, 0)
        copies = [{t: v.copy() for t, v in values.items()} for values in (rows, decided)]
        seen = [*seen, Observation(epoch, genotype, *copies)][-rule.memory :]
        ordered = [(one.cell_type, one.edge, one.row) for one in rule(seen, epochs, space)]
        if ordered:
            fixed[epoch] = ordered
        for cell_type, edge, row in ordered:
            assert not decided[cell_type][edge]
            rows[cell_type][edge], decided[cell_type][edge] = row, True
    return fixed, rows, start


@pytest.mark.parametrize("stability", [False, True])
def test_the_decisions_of_a_search_in_the_space_of_darts(stability):
    fixed, rows, start = run(GreedyDecisions(stability), SPACE, 50)
    assert list(fixed) == [9, 14, 19, 24, 29, 34, 39, 44]
    for cell_type in SPACE.cell_types:
        for node in range(4):
            into = list(SPACE.edges_into(node))
            assert sorted(rows[cell_type][into].sum(axis=1)) == [0] * node + [1, 1]
        best = start[cell_type][:, 1:].argmax(axis=1) + 1
        kept = rows[cell_type].sum(axis=1) == 1
        np.testing.assert_array_equal(rows[cell_type].argmax(axis=1)[kept], best[kept])
    first = [place[:2] for place in fixed[9]]
    scores = {t: edge_scores(start[t], 0) for t in SPACE.cell_types}
    if not stability:
        assert first == [(t, int(scores[t].argmax())) for t in SPACE.cell_types]


@pytest.mark.parametrize("epochs", [1, 2, 12])
def test_a_shorter_search_takes_all_decisions_too(epochs):
    fixed, rows, _ = run(GreedyDecisions(), SPACE, epochs)
    assert rows["normal"].sum() == 8 and len(fixed) <= epochs


def test_a_space_that_keeps_all_edges():
    space = spaces.get("nas_bench_201")
    fixed, rows, _ = run(GreedyDecisions(), space, 50)
    assert len(fixed) == 6 and min(fixed) == 9 and max(fixed) == 44
    np.testing.assert_array_equal(rows["normal"].sum(axis=1), np.ones(6))
    assert not rows["normal"][:, 0].any()
