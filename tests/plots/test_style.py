import subprocess
import sys

import matplotlib
import pytest
from matplotlib.figure import Figure

from darts_tf import plots
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.plots import style

CELL = CellGenotype(nodes=((Edge("skip_connect", 0), Edge("sep_conv_3x3", 1)),), concat=(2,))


@pytest.mark.parametrize("name", ["cell.jpg", "cell", "cell.PNG"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"must end in \.svg or \.png"):
        plots.plot_cell(CELL, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_failed_save_keeps_the_old_picture_and_leaves_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "cell.png"
    plots.plot_cell(CELL, path)
    before = path.read_bytes()

    def fail(self, file, **options):
        file.write_bytes(b"half a picture")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(UserError, match="disk full"):
        plots.plot_cell(CELL, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["cell.png"]


def test_global_settings_stay_as_they_were(tmp_path):
    before = dict(matplotlib.rcParams)
    plots.plot_cell(CELL, tmp_path / "cell.svg")
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_not_imported(tmp_path):
    program = (
        "import sys; from darts_tf import genotypes, plots; "
        f"plots.plot_genotype(genotypes.get('DARTS_V2'), {str(tmp_path)!r}); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_indices_below_the_line():
    text = "node 0 (c_{k-2}), c_k and sep_conv_3x3"
    assert style.with_indices(text) == "node 0 ($c_{k-2}$), $c_k$ and sep_conv_3x3"
