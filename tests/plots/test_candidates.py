import numpy as np
import pytest

from darts_tf import plots
from darts_tf.common.errors import UserError
from tests.plots import overlaps


def lines(figure):
    return [line.get_xydata().tolist() for line in figure.axes[0].lines]


def test_points_and_the_best_so_far(drawn):
    plots.plot_candidates([0.5, 0.4, float("nan"), 0.7], "a.png")
    (points, best) = lines(drawn[0])
    assert points[:2] == [[1, 0.5], [2, 0.4]] and np.isnan(points[2][1])
    assert best == [[1, 0.5], [2, 0.5], [3, 0.5], [4, 0.7], [4, 0.7]]
    assert overlaps.found(drawn[0]) == []


def test_each_rung_has_its_best(drawn):
    plots.plot_candidates(
        [3.0, 2.0, 2.5], "a.png", "Loss", rungs=[0, 1, 0], larger_is_better=False, share=False
    )
    _, first, _, second = lines(drawn[0])
    assert first == [[1, 3.0], [3, 2.5], [3, 2.5]]
    assert second == [[2, 2.0], [3, 2.0]]
    labels = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert labels == ["rung 0", "rung 1"]


def test_nothing_to_draw(tmp_path):
    for values in ([], [float("nan")]):
        with pytest.raises(UserError, match="no evaluation to draw"):
            plots.plot_candidates(values, tmp_path / "a.png")
    with pytest.raises(UserError, match="1 rungs of 2 values"):
        plots.plot_candidates([1.0, 2.0], tmp_path / "a.png", rungs=[0])
