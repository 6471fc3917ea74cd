import numpy as np
import pytest
from matplotlib.image import imread

from darts_tf.common.errors import UserError
from darts_tf.plots import plot_collapse

RECORDS = [{"epoch": e, "parameter_free_normal": e, "entropy": 2 / e} for e in (1, 2, 3)]


def test_a_panel_for_each_thing_that_was_measured(tmp_path):
    plot_collapse(RECORDS, tmp_path / "two.png")
    more = [{**record, "eigenvalue": 0.3} for record in RECORDS[:2]] + RECORDS[2:]
    plot_collapse(more, tmp_path / "three.png")
    two, three = (imread(tmp_path / name).shape for name in ("two.png", "three.png"))
    assert three[1] == 1.5 * two[1] and three[0] == two[0]


def test_nothing_was_measured(tmp_path):
    with pytest.raises(UserError, match="expected records of a search with a CollapseMonitor"):
        plot_collapse([{"epoch": 1, "loss": 2.0}], tmp_path / "none.png")


def test_epochs_with_a_warning_are_shaded(tmp_path):
    plot_collapse(RECORDS, tmp_path / "none.png")
    warned = [{**record, "collapse_warnings": record["epoch"] > 2} for record in RECORDS]
    plot_collapse(warned, tmp_path / "warned.png")
    none, shaded = (imread(tmp_path / name)[..., :3] for name in ("none.png", "warned.png"))
    grey = np.isclose(shaded, 0.9, atol=0.01).all(axis=-1) & (none == 1).all(axis=-1)
    assert 0.02 < grey.mean() < 0.5
