import numpy as np
import pytest

from darts_tf import plots
from darts_tf.common.errors import UserError
from darts_tf.plots import best_so_far

CURVES = {"random": np.array([[1.0, 2.0], [3.0, 6.0]]), "guided": np.array([[5.0, 5.0, 7.0]])}


@pytest.fixture
def axes(monkeypatch, tmp_path):
    """The panels of a picture of two."""
    figures = []
    save = best_so_far.style.save
    monkeypatch.setattr(
        best_so_far.style, "save", lambda figure, path: figures.append(figure) or save(figure, path)
    )
    path = tmp_path / "a.png"
    plots.plot_best_so_far(
        {"validation": CURVES, "test": CURVES}, path, best={"validation": 9.0, "test": 8.0}
    )
    assert path.stat().st_size > 10_000
    return figures[0].axes


def test_means_and_bands(axes):
    assert [panel.get_title(loc="left") for panel in axes] == ["validation", "test"]
    for panel, best in zip(axes, (9.0, 8.0), strict=True):
        random, guided, dotted = panel.get_lines()
        assert random.get_xydata().tolist() == [[1, 2], [2, 4]]
        assert guided.get_xydata().tolist() == [[1, 5], [2, 5], [3, 7]]
        assert dotted.get_ydata() == [best, best]
        bars = [bar.tolist() for bar in panel.collections[0].get_segments()]
        assert bars == [[[1, 1], [1, 3]], [[2, 2], [2, 6]]]
    labels = [text.get_text() for text in axes[-1].figure.legends[0].get_texts()]
    assert labels == ["random, 2 seeds", "guided, 1 seed", "the best there is"]
    assert axes[0].figure.get_suptitle().startswith("The best so far, mean and standard dev")


def test_bars_of_methods_stand_beside_each_other(drawn):
    curves = {name: np.random.default_rng(1).normal(size=(3, 50)) for name in "abc"}
    plots.plot_best_so_far({"accuracy": curves}, "a.png", title="Own")
    (axes,) = drawn[0].axes
    places = [[bar[0][0] for bar in each.get_segments()] for each in axes.collections]
    assert [len(at) for at in places] == [6, 6, 6] and len({x for at in places for x in at}) == 18
    assert drawn[0].get_suptitle() == "Own"


@pytest.mark.parametrize("nothing", [{}, {"test": {}}])
def test_nothing_to_draw(nothing, tmp_path):
    with pytest.raises(UserError, match="there are no searches to draw"):
        plots.plot_best_so_far(nothing, tmp_path / "a.png")
