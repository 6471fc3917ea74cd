import numpy as np
import pytest

from darts_tf import selections, spaces
from darts_tf.common.errors import UserError

SPACE = spaces.get("darts_cnn")
NONE = SPACE.operations.index("none")
FIRST_EDGE = [0, 2, 5, 9]


def softmax(alpha):
    powers = np.exp(alpha - alpha.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def select(normal, reduce=None):
    """The cells of alphas `[14, 8]`, as lists of (operation, source) a node."""
    reduce = normal if reduce is None else reduce
    weights = {"normal": softmax(normal), "reduce": softmax(reduce)}
    genotype = selections.magnitude(SPACE, weights)
    return [[tuple(edge) for edge in node] for node in genotype["normal"].nodes], genotype


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=(14, 8))


def test_one_huge_entry_on_two_edges_of_every_node():
    chosen = [
        [("sep_conv_3x3", 0), ("skip_connect", 1)],
        [("max_pool_3x3", 0), ("dil_conv_5x5", 2)],
        [("avg_pool_3x3", 1), ("sep_conv_5x5", 3)],
        [("dil_conv_3x3", 2), ("sep_conv_3x3", 4)],
    ]
    alpha = noise()
    for node, edges in enumerate(chosen):
        for name, source in edges:
            alpha[FIRST_EDGE[node] + source, SPACE.operations.index(name)] = 50
    assert select(alpha)[0] == chosen


def test_a_huge_entry_on_every_edge_is_the_operation_of_those_kept():
    names = [SPACE.operations[1 + e % 7] for e in range(14)]
    alpha = np.zeros((14, 8))
    for e, name in enumerate(names):
        # Later edges are stronger: a node keeps its last two.
        alpha[e, SPACE.operations.index(name)] = 3 + 0.1 * e
    for node, edges in enumerate(select(alpha)[0]):
        last = FIRST_EDGE[node] + node
        assert edges == [(names[last], node), (names[last + 1], node + 1)]


def test_none_is_never_chosen_even_if_it_is_the_strongest_everywhere():
    alpha = noise()
    alpha[:, NONE] = 20
    nodes = select(alpha)[0]
    assert [len(edges) for edges in nodes] == [2] * 4
    assert all(name != "none" for edges in nodes for name, _ in edges)


def test_none_lowers_the_rank_of_its_edge_but_never_changes_the_operation():
    alpha = np.zeros((14, 8))
    alpha[2:5, 4] = [3.0, 2.0, 1.0]  # The three edges of the second node.
    assert select(alpha)[0][1] == [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)]
    alpha[2, NONE] = 5.0
    assert select(alpha)[0][1] == [("sep_conv_3x3", 1), ("sep_conv_3x3", 2)]
    alpha[3, NONE] = alpha[4, NONE] = 6.0
    assert ("sep_conv_3x3", 0) in select(alpha)[0][1]


def test_the_operation_of_an_edge_does_not_depend_on_none():
    alpha = noise(3)
    best = {e: SPACE.operations[1 + int(alpha[e, 1:].argmax())] for e in range(14)}
    rng = np.random.default_rng(4)
    rankings = set()
    for _ in range(20):
        alpha[:, NONE] = 3 * rng.normal(size=14)
        nodes = select(alpha)[0]
        rankings.add(str(nodes))
        for node, edges in enumerate(nodes):
            assert all(best[FIRST_EDGE[node] + source] == name for name, source in edges)
    assert len(rankings) > 5


def test_ties_go_to_the_lower_source_and_the_earlier_operation():
    nodes, genotype = select(np.zeros((14, 8)))
    assert nodes == [[("max_pool_3x3", 0), ("max_pool_3x3", 1)]] * 4
    assert genotype["normal"].concat == (2, 3, 4, 5)


def test_a_tie_for_the_second_edge():
    alpha = np.zeros((14, 8))
    alpha[12, 6] = 1.0
    assert select(alpha)[0][3] == [("max_pool_3x3", 0), ("dil_conv_3x3", 3)]


def test_cell_types_are_independent():
    normal, reduce = noise(0), noise(1)
    _, genotype = select(normal, reduce)
    assert genotype["normal"] == select(normal)[1]["normal"]
    assert genotype["reduce"] == select(reduce)[1]["reduce"]
    assert genotype["normal"] != genotype["reduce"]


def test_only_candidates_of_the_edge_are_chosen():
    rng = np.random.default_rng(0)
    names = SPACE.operations[1:]
    sets = [tuple(rng.choice(names, 2, replace=False)) for _ in range(14)]
    space = SPACE.restrict({"normal": sets, "reduce": sets})
    for seed in range(20):
        cell = selections.magnitude(space, {t: softmax(noise(seed)) for t in SPACE.cell_types})
        for node, edges in enumerate(cell["normal"].nodes):
            assert all(op in sets[FIRST_EDGE[node] + source] for op, source in edges)


def test_none_may_be_chosen_where_the_space_says_so_and_all_edges_are_kept():
    space = spaces.Space(
        "keeps_none",
        ("none", "skip_connect"),
        nodes=2,
        inputs=1,
        cell_types=("normal",),
        edges_per_node=None,
        selects_none=True,
        output="last",
    )
    spaces.register(space)
    weights = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    cell = selections.magnitude(space, {"normal": weights})["normal"]
    assert cell.nodes == ((("none", 0),), (("skip_connect", 0), ("none", 1)))
    assert cell.concat == (2,)


def test_a_node_without_a_choice_is_refused():
    sets = [("none",)] * 2 + [("none", "skip_connect")] * 12
    space = SPACE.restrict({"normal": sets, "reduce": sets})
    with pytest.raises(UserError, match="normal cell: no edge to node 2 has a candidate"):
        selections.magnitude(space, {t: softmax(noise()) for t in SPACE.cell_types})


def test_registered():
    assert selections.get("magnitude") is selections.magnitude
    with pytest.raises(UserError, match="unknown selection 'best'; expected one of magnitude"):
        selections.get("best")


def test_a_recurrent_cell_keeps_the_best_predecessor_of_every_node():
    space = spaces.get("darts_rnn")
    alpha = np.random.default_rng(0).normal(size=(36, 5))
    weights = softmax(alpha)
    expected, start = [], 0
    for node in range(8):
        # `none` takes its share and is never chosen.
        rows = weights[start : start + node + 1, 1:]
        source = int(rows.max(axis=1).argmax())
        expected.append([(space.operations[1 + int(rows[source].argmax())], source)])
        start += node + 1
    cell = selections.magnitude(space, {"recurrent": weights})["recurrent"]
    assert [[tuple(edge) for edge in node] for node in cell.nodes] == expected
    assert cell.concat == tuple(range(1, 9))
