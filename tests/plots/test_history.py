import numpy as np
import pytest

from darts_tf import plots
from darts_tf.common.errors import UserError
from tests.plots import overlaps

RECORDS = [
    {"epoch": 3, "loss": 2.0, "accuracy": 0.3, "val_loss": 2.1, "val_accuracy": 0.25},
    {"epoch": 4, "loss": 1.5, "accuracy": 0.5, "val_loss": None, "val_accuracy": 0.4},
    {"epoch": 5, "loss": 1.0, "accuracy": 0.7, "val_loss": 1.4, "val_accuracy": 0.6},
]


def curves(figure):
    return {
        (axes.get_title(loc="left"), line.get_label()): line.get_xydata()
        for axes in figure.axes
        for line in axes.lines
    }


def test_draws_all_four_curves_by_epoch(drawn):
    plots.plot_history(RECORDS, "history.png")
    data = curves(drawn[0])
    assert set(data) == {
        (panel, part) for panel in ("Loss", "Accuracy") for part in ("training", "validation")
    }
    np.testing.assert_array_equal(data["Loss", "training"], [[3, 2.0], [4, 1.5], [5, 1.0]])
    np.testing.assert_array_equal(data["Accuracy", "validation"], [[3, 0.25], [4, 0.4], [5, 0.6]])


def test_leaves_out_what_is_missing(drawn):
    plots.plot_history(RECORDS, "history.png")
    np.testing.assert_array_equal(curves(drawn[0])["Loss", "validation"], [[3, 2.1], [5, 1.4]])


def test_records_without_epoch_are_numbered_and_panels_without_data_are_not_drawn(drawn):
    plots.plot_history([{"loss": 2.0}, {"loss": 1.0}], "history.png")
    (((panel, part), data),) = curves(drawn[0]).items()
    assert (panel, part) == ("Loss", "training")
    np.testing.assert_array_equal(data, [[1, 2.0], [2, 1.0]])


def test_the_curves_of_a_task(drawn):
    records = [{"bits": 2.0, "loss": 1.0, "hits": 0.5}, {"bits": 1.5, "loss": 0.9, "hits": 0.6}]
    chosen = {"bits": ("Bits a character", False), "hits": ("Hits", True)}
    plots.plot_history(records, "history.png", curves=chosen)
    data = curves(drawn[0])
    assert set(data) == {("Bits a character", "training"), ("Hits", "training")}
    np.testing.assert_array_equal(data["Bits a character", "training"], [[1, 2.0], [2, 1.5]])
    ticks = [axes.yaxis.get_major_formatter()(0.5) for axes in drawn[0].axes]
    assert [tick.endswith("%") for tick in ticks] == [False, True]


def test_many_panels_stand_in_lines(drawn):
    names = {f"m{i}": (f"Measure {i}", False) for i in range(5)}
    plots.plot_history([dict.fromkeys(names, 1.0)] * 2, "history.png", curves=names)
    (figure,) = drawn
    boxes = [axes.get_subplotspec() for axes in figure.axes]
    assert [(box.rowspan.start, box.colspan.start) for box in boxes] == [
        *((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)),
    ]
    assert list(figure.get_size_inches()) == [15, 7.2]
    assert overlaps.found(figure) == []


def test_the_legend_is_on_no_curve(drawn):
    """Curves that go through all corners of their panel."""
    corners = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    records = [{"loss": x, "val_loss": 1 - x, "bits_per_character": x} for x in corners]
    names = {"loss": ("Loss", False), "bits_per_character": ("Bits per character", False)}
    plots.plot_history(records, "history.png", title="Training", curves=names)
    (figure,) = drawn
    assert overlaps.found(figure) == []
    for axes in figure.axes:
        legend = axes.get_legend().get_window_extent()
        for line in axes.lines:
            assert not legend.overlaps(line.get_window_extent())


@pytest.mark.parametrize("records", [[], [{"epoch": 1}], [{"loss": None}]])
def test_nothing_to_draw(records, tmp_path):
    with pytest.raises(UserError, match="no training curve to draw"):
        plots.plot_history(records, tmp_path / "history.png")


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_same_bytes_twice(tmp_path, suffix):
    for name in ("a", "b"):
        plots.plot_history(RECORDS, tmp_path / f"{name}.{suffix}", title="Training")
    one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert one == other
