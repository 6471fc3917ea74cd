import pytest

from darts_tf import spaces
from darts_tf.errors import UserError
from darts_tf.spaces import EdgePlace, Space


class TestSpace:
    def test_darts_cnn_has_the_papers_14_edges_ordered_by_node_and_source(self):
        edges = spaces.DARTS_CNN.edges
        assert len(edges) == 14
        assert edges[:5] == tuple(EdgePlace(*e) for e in ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2)))
        assert edges[-1] == EdgePlace(3, 4)

    def test_edges_into_a_node(self):
        assert spaces.DARTS_CNN.edges_into(1) == (2, 3, 4)

    def test_none_is_the_first_of_eight_operations(self):
        assert spaces.DARTS_CNN.operations[0] == "none"
        assert len(spaces.DARTS_CNN.operations) == 8


class TestRegistry:
    def test_unknown_name(self):
        with pytest.raises(
            UserError, match="unknown search space 'darts'; expected one of darts_cnn"
        ):
            spaces.get("darts")

    def test_spaces_of_found_cells_are_not_offered_for_a_search(self):
        assert "nasnet" in spaces.names()
        assert "nasnet" not in spaces.names(searchable_only=True)

    def test_register_twice_and_conflict(self):
        mine = Space("mine", ("none", "skip_connect"), nodes=1)
        assert spaces.register(mine) is mine
        assert spaces.get("mine") is mine
        spaces.register(Space("mine", ("none", "skip_connect"), nodes=1))
        with pytest.raises(UserError, match="another search space named 'mine'"):
            spaces.register(Space("mine", ("none", "skip_connect"), nodes=2))
