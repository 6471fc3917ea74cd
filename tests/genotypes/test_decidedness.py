import math

import numpy as np
import pytest

from darts_tf import selections, spaces
from darts_tf.genotypes import CellGenotype, Genotype, decidedness

SPACE = spaces.get("darts_cnn")
NONE, SKIP, CONVOLUTION = (
    SPACE.operations.index(name) for name in ("none", "skip_connect", "sep_conv_3x3")
)


def softmax(alpha):
    powers = np.exp(alpha)
    return powers / powers.sum(-1, keepdims=True)


def weights(**changes):
    """Equal weights but for the alphas of whole operations, by number."""
    alpha = np.zeros((14, 8))
    for number, value in changes.values():
        alpha[:, number] = value
    return {"normal": softmax(alpha), "reduce": softmax(np.eye(14, 8, k=1))}


@pytest.mark.parametrize(
    ("row", "chosen", "candidates", "expected"),
    [
        ([0.3, 0.2, 0.1], 0, [0, 1, 2], 0.5),
        ([0.3, 0.2, 0.1], 0, [0, 2], 2.0),
        ([0.25, 0.25], 0, [0, 1], 0.0),
        ([1.0, 0.0], 0, [0, 1], math.inf),
        ([1.0], 0, [0], math.inf),
        # What weighs more has been passed over.
        ([0.3, 0.2, 0.1], 1, [0, 1, 2], 1.0),
    ],
)
def test_lead(row, chosen, candidates, expected):
    assert decidedness.lead(np.array(row), chosen, candidates) == pytest.approx(expected)


def found(given, select=selections.magnitude, **options):
    return decidedness.leads(SPACE, given, select(SPACE, given), **options)


def test_the_lead_of_softmax_weights_is_the_difference_of_their_alphas():
    """`none`, whatever it weighs, is no rival: it cannot be chosen."""
    leads = found(weights(first=(CONVOLUTION, 0.3), second=(SKIP, 0.1), none=(NONE, 2.0)))
    np.testing.assert_allclose(leads["normal"], np.full((4, 2), math.exp(0.2) - 1))


def test_where_none_may_be_chosen_it_is_a_rival():
    space = spaces.get("nas_bench_201")
    rows = np.tile([0.3, 0.31, 0.1, 0.1, 0.19], (6, 1))
    given = {name: rows for name in space.cell_types}
    leads = decidedness.leads(space, given, selections.magnitude(space, given))
    for nodes in leads.values():
        assert [round(one, 4) for edges in nodes for one in edges] == [round(1 / 30, 4)] * 6


def test_skips_that_were_passed_over_are_no_rivals():
    given = weights(skip=(SKIP, 1.0), first=(CONVOLUTION, 0.5))
    leads = found(given, lambda *args: selections.few_skips(*args, most=0))
    np.testing.assert_allclose(leads["normal"], np.full((4, 2), math.exp(0.5) - 1))


def test_two_operations_of_one_edge_are_no_rivals_of_each_other():
    rows = np.full((14, 8), 0.1)
    rows[:, [SKIP, CONVOLUTION]] = 0.2
    given = {"normal": rows, "reduce": rows}
    leads = found(given, selections.top_pairs)
    np.testing.assert_allclose(leads["normal"], np.ones((4, 2)))


def test_an_edge_with_a_single_candidate_is_decided():
    only = [("skip_connect",)] * 14
    space = SPACE.restrict({"normal": only, "reduce": only})
    given = dict.fromkeys(space.cell_types, np.eye(8)[[SKIP] * 14])
    leads = decidedness.leads(space, given, selections.magnitude(space, given))
    assert decidedness.close(leads) == {"normal": 0, "reduce": 0}


def test_an_edge_that_was_decided_early_has_the_lead_of_then():
    leads = found(weights(), decided={("normal", 0): 0.5, ("reduce", 1): 0.01})
    assert leads["normal"][0] == [0.5, 0.0]
    assert leads["reduce"][0][1] == 0.01 and leads["reduce"][0][0] == pytest.approx(math.e - 1)


def test_a_draw_is_half_of_the_edges_of_a_cell():
    def leads(count):
        return {"normal": [[0.01] * count, [0.07] * (8 - count)], "reduce": [[], [0.07]]}

    assert [decidedness.is_draw(leads(count)) for count in (0, 3, 4, 8)] == [
        False,
        False,
        True,
        True,
    ]
    assert decidedness.close(leads(3)) == {"normal": 3, "reduce": 0}
    assert not decidedness.is_draw({"normal": [[]]})


def test_in_words():
    leads = {"normal": [[0.01, 0.012], [0.07]], "reduce": [[0.005]]}
    assert decidedness.describe(leads) == (
        "on 2 of the 3 edges of the normal cell and 1 of the 1 edges of the reduce cell the "
        "operation weights are still equal to within 1.2 % (the chosen operation and the next "
        "one): this cell is close to a draw"
    )


def test_threshold_cells_with_isolated_nodes():
    rows = np.full((14, 8), 0.9)
    rows[0, CONVOLUTION] = 0.99
    cell = CellGenotype((((("sep_conv_3x3", 0)),), (), (), ()), (2,))
    genotype = Genotype("darts_cnn", {"normal": cell, "reduce": cell})
    leads = decidedness.leads(SPACE, {"normal": rows, "reduce": rows}, genotype)
    assert leads["normal"] == [[pytest.approx(0.1)], [], [], []]
