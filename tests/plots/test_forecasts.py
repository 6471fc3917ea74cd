import numpy as np
import pytest
from PIL import Image

from darts_tf.common.errors import UserError
from darts_tf.plots import plot_forecasts

ROWS = np.sin(np.arange(300.0)[:, np.newaxis] * [0.1, 0.2, 0.3])


@pytest.mark.parametrize("columns", [1, 3])
def test_a_panel_for_every_column(tmp_path, columns):
    path, names = tmp_path / "x.png", ["a", "b", "c"][:columns]
    times = np.datetime64("2004-08-19") + np.arange(300)
    values = ROWS[:, :columns]
    plot_forecasts(values, values + 0.1, path, names, times=times, title="A series")
    width, height = Image.open(path).size
    assert (width, height) == ((840, 465), (1680, 855))[columns > 1]
    first = path.read_bytes()
    plot_forecasts(values, values + 0.1, path, names, times=times, title="A series")
    assert path.read_bytes() == first
    plot_forecasts(values, values - 0.1, path, names, times=times, title="A series")
    assert path.read_bytes() != first


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(UserError, match=r"targets \[300, 3\] and forecasts \[299, 3\]"):
        plot_forecasts(ROWS, ROWS[1:], tmp_path / "x.png", ["a", "b", "c"])
    with pytest.raises(UserError, match="must end in .svg or .png"):
        plot_forecasts(ROWS, ROWS, tmp_path / "x.pdf", ["a", "b", "c"])
