import pytest

from darts_tf import operations, spaces

# As listed in the authors' src/spaces.py, in the order of the edges.
SHORT = {
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
}
S1 = {
    "normal": "skip,dil3 skip,dil5 skip,dil5 skip,sep3 skip,dil3 max,skip skip,sep3 skip,sep3 "
    "skip,dil3 skip,sep3 max,skip skip,dil3 dil3,dil5 dil3,dil5",
    "reduce": "max,avg max,dil3 max,avg max,avg skip,dil5 max,avg max,sep3 skip,dil3 skip,dil5 "
    "max,avg max,avg skip,dil5 skip,dil5 skip,dil5",
}


@pytest.mark.parametrize("cell_type", S1)
def test_s1_has_two_operations_of_its_own_on_every_edge(cell_type):
    expected = [{SHORT[name] for name in pair.split(",")} for pair in S1[cell_type].split()]
    assert [set(names) for names in spaces.get("s1").operations_on(cell_type)] == expected
    assert [len(pair) for pair in expected] == [2] * 14


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
