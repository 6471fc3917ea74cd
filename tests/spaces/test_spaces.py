import numpy as np
import pytest

from darts_tf import spaces
from darts_tf.common.errors import UserError
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

    def test_by_default_every_operation_is_on_every_edge(self):
        assert spaces.DARTS_CNN.operations_on("reduce") == (spaces.DARTS_CNN.operations,) * 14
        assert spaces.DARTS_CNN.mask("normal").all()
        assert spaces.DARTS_CNN.concat == (2, 3, 4, 5)

    def test_edges_and_operations_of_ones_own(self):
        space = Space(
            "own",
            ("none", "skip_connect", "sep_conv_3x3"),
            nodes=2,
            inputs=1,
            edges=[(0, 0), (1, 1)],
            cell_types=("normal",),
            edge_operations={"normal": [("sep_conv_3x3", "none"), ("skip_connect",)]},
            output="last",
        )
        assert space.edges == (EdgePlace(0, 0), EdgePlace(1, 1))
        assert space.operations_on("normal") == (("none", "sep_conv_3x3"), ("skip_connect",))
        np.testing.assert_array_equal(
            space.mask("normal"), [[True, False, True], [False, True, False]]
        )
        assert space.choosable_on("normal") == (("sep_conv_3x3",), ("skip_connect",))
        assert space.concat == (2,)
        assert hash(space) == hash(
            Space(**{f: getattr(space, f) for f in space.__dataclass_fields__})
        )

    def test_choosable_is_none_only_where_cells_hold_it(self):
        last = [False, True, True]
        for selects_none, first in (
            (False, last),
            (True, [True, True, True]),
        ):
            space = Space(
                "own",
                ("none", "skip_connect", "sep_conv_3x3"),
                nodes=1,
                inputs=2,
                edge_operations={
                    "normal": [("none", "skip_connect", "sep_conv_3x3"), ("none",)],
                    "reduce": [("none",), ("sep_conv_3x3",)],
                },
                selects_none=selects_none,
            )
            nothing = [selects_none, False, False]
            np.testing.assert_array_equal(space.choosable("normal"), [first, nothing])
            np.testing.assert_array_equal(
                space.choosable("reduce"), [nothing, [False, False, True]]
            )
            np.testing.assert_array_equal(
                space.choosable("normal", none=False), [last, [False] * 3]
            )
            assert space.choosable_on("normal")[1] == ("none",) * selects_none

    def test_the_second_cell_type_is_that_of_the_reduction_cells(self):
        assert [spaces.DARTS_CNN.cell_type_of(x) for x in (False, True)] == ["normal", "reduce"]
        assert spaces.NAS_BENCH_201.cell_type_of(False) == spaces.NAS_BENCH_201.cell_types[0]
        with pytest.raises(UserError, match="cell type normal alone, .* has reduction cells"):
            spaces.NAS_BENCH_201.cell_type_of(True)

    def test_restrict_keeps_the_name(self):
        candidates = [("none", "skip_connect")] * 14
        space = spaces.DARTS_CNN.restrict({"normal": candidates, "reduce": candidates})
        assert space.name == "darts_cnn"
        assert space.mask("normal").sum(axis=1).tolist() == [2] * 14
        assert spaces.DARTS_CNN.edge_operations is None

    @pytest.mark.parametrize(
        "changes, reason",
        [
            ({"edges": [(0, 1)]}, r"edges holds \(0, 1\), which does not exist"),
            ({"edges": [(0, 0), (2, 0)]}, r"edges holds \(2, 0\), .* nodes, 0 to 1, and after"),
            ({"edges": [(1, 0), (0, 0)]}, "ordered by node and source"),
            ({"edges": [(0, 0), (0, 0)]}, "must be different"),
            ({"edges": [(0, 0)]}, "no edge leads to node 2, the intermediate node 1 of"),
            ({"output": "mean"}, "output is 'mean'; expected one of concat, last"),
            ({"edge_operations": {}}, r"has the cell types \[\]; expected \['normal'\]"),
            ({"edge_operations": {"normal": []}}, r"\['normal'\] has 0 edges; expected 3"),
            (
                {"edge_operations": {"normal": [("none",), ("none", "relu"), ("none",)]}},
                r"\['normal'\]\[1\] is \['none', 'relu'\]; expected some of none, skip_connect",
            ),
            (
                {"edge_operations": {"normal": [("none",), ("none",), ()]}},
                r"\['normal'\]\[2\] is \[\]; expected some of",
            ),
        ],
    )
    def test_what_is_no_cell_is_refused(self, changes, reason):
        plain = {"nodes": 2, "inputs": 1, "cell_types": ("normal",)}
        with pytest.raises(UserError, match=reason):
            Space("own", ("none", "skip_connect"), **{**plain, **changes})


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
