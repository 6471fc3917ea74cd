from collections import Counter

import pytest

from darts_tf import operations, spaces


def test_s1_has_two_operations_of_its_own_on_every_edge():
    s1 = spaces.get("s1")
    for cell_type in ("normal", "reduce"):
        assert [len(names) for names in s1.operations_on(cell_type)] == [2] * 14
    # As listed in the authors' src/spaces.py: the first, a middle and the last edge.
    assert set(s1.operations_on("normal")[0]) == {"skip_connect", "dil_conv_3x3"}
    assert set(s1.operations_on("normal")[5]) == {"max_pool_3x3", "skip_connect"}
    assert set(s1.operations_on("normal")[13]) == {"dil_conv_3x3", "dil_conv_5x5"}
    assert set(s1.operations_on("reduce")[6]) == {"max_pool_3x3", "sep_conv_3x3"}
    assert set(s1.operations_on("reduce")[13]) == {"skip_connect", "dil_conv_5x5"}


def test_how_often_s1_has_each_operation():
    counts = {
        cell_type: Counter(x for names in spaces.get("s1").operations_on(cell_type) for x in names)
        for cell_type in ("normal", "reduce")
    }
    assert counts["normal"] == {
        **{"skip_connect": 12, "dil_conv_3x3": 6, "dil_conv_5x5": 4, "sep_conv_3x3": 4},
        "max_pool_3x3": 2,
    }
    assert counts["reduce"] == {
        **{"max_pool_3x3": 8, "avg_pool_3x3": 6, "skip_connect": 6, "dil_conv_5x5": 5},
        **{"dil_conv_3x3": 2, "sep_conv_3x3": 1},
    }


@pytest.mark.parametrize(
    "name, expected",
    [
        ("s2", {"skip_connect", "sep_conv_3x3"}),
        ("s3", {"none", "skip_connect", "sep_conv_3x3"}),
        ("s4", {"noise", "sep_conv_3x3"}),
    ],
)
def test_s2_to_s4_have_the_same_on_every_edge(name, expected):
    space = spaces.get(name)
    assert set(space.operations) == expected
    assert space.edges == spaces.DARTS_CNN.edges and space.mask("reduce").all()
    assert set(space.operations) <= set(operations.names())
    assert name in spaces.names(searchable_only=True)
