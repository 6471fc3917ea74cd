import pytest

from darts_tf import spaces
from darts_tf.cells import kinds
from darts_tf.cells.batched_cell import BatchedMixedCell
from darts_tf.cells.cell import MixedCell
from darts_tf.cells.partial_cell import BatchedPartialCell, PartialMixedCell
from darts_tf.cells.sampled_cell import SampledCell
from darts_tf.common.errors import UserError

SPACE = spaces.get("darts_cnn")
IMAGE = (8, 8, 3)


@pytest.mark.parametrize(
    "cell, quick, plain",
    [
        ("mixed", BatchedMixedCell, MixedCell),
        ("sampled", SampledCell, MixedCell),
        ("partial", BatchedPartialCell, PartialMixedCell),
    ],
)
def test_the_quickest_class_that_can_do_it(cell, quick, plain):
    kind = kinds.get(SPACE, cell)
    assert kind.choose(SPACE, "normal", IMAGE) is quick
    assert kind.choose(SPACE, "normal", IMAGE, together=False) is plain
    # Sequences, and edges with different candidates.
    assert kind.choose(SPACE, "normal", (8, 3)) is plain
    s1 = spaces.get("s1")
    assert kind.choose(s1, "normal", IMAGE) is plain
    fewer = SPACE.restrict(dict.fromkeys(SPACE.cell_types, [("none", "skip_connect")] * 14))
    assert kind.choose(fewer, "reduce", IMAGE) is plain


def test_controls_decide():
    kind = kinds.get(SPACE, "mixed")
    assert [control.name for control in kind.controls] == ["skip_dropout", "auxiliary_skip"]
    for name in ("skip_dropout", "auxiliary_skip"):
        assert kind.choose(SPACE, "normal", IMAGE, {name}) is MixedCell
    assert MixedCell.arguments({"skip_dropout"}) == {}
    assert MixedCell.arguments({"skip_dropout", "auxiliary_skip"}) == {"auxiliary_skip": True}
    assert kinds.get(SPACE, "sampled").controls == kinds.get(SPACE, "partial").controls == ()


def test_cells_that_nobody_has_made():
    reason = "needs spiking cells, .*'darts_cnn'; there are: mixed, partial, sampled"
    with pytest.raises(UserError, match=reason):
        kinds.get(SPACE, "spiking")
