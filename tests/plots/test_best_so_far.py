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
    assert [panel.get_ylabel() for panel in axes] == ["validation", "test"]
    for panel, best in zip(axes, (9.0, 8.0), strict=True):
        random, guided, dotted = panel.get_lines()
        assert random.get_xydata().tolist() == [[1, 2], [2, 4]]
        assert guided.get_xydata().tolist() == [[1, 5], [2, 5], [3, 7]]
        assert dotted.get_ydata() == [best, best]
        band = panel.collections[0].get_paths()[0].vertices
        assert {(1, 1), (1, 3), (2, 2), (2, 6)} <= {tuple(point) for point in band}
    labels = [text.get_text() for text in axes[-1].get_legend().get_texts()]
    assert labels == ["random, 2 seeds", "guided, 1 seed"]


@pytest.mark.parametrize("nothing", [{}, {"test": {}}])
def test_nothing_to_draw(nothing, tmp_path):
    with pytest.raises(UserError, match="there are no searches to draw"):
        plots.plot_best_so_far(nothing, tmp_path / "a.png")
