import numpy as np
import pytest
from matplotlib.image import imread

from darts_tf import genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.plots import plot_selections

SPACE = spaces.get("darts_cnn")


def draw(path, *seeds):
    plot_selections({f"random_{i}": genotypes.sample(SPACE, i) for i in seeds}, SPACE, path)
    return imread(path)


def test_a_column_for_every_selection_and_the_same_bytes_again(tmp_path):
    one, two = draw(tmp_path / "one.png", 1), draw(tmp_path / "two.png", 1, 2)
    assert two.shape[1] > one.shape[1] and two.shape[0] == one.shape[0]
    draw(tmp_path / "again.png", 1)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "one.png").read_bytes()
    # 8 of 14 edges of both cells are kept: the coloured part of the first column's width.
    column = one[:, one.shape[1] - 60, :3]
    coloured = np.ptp(column, axis=1) > 0.1
    assert 0.3 < coloured.mean() < 0.6


def test_what_is_close_to_a_draw_has_a_question_mark(drawn):
    genotype = genotypes.get("DARTS_V2")
    clear = {name: [[1.0, 1.0]] * 4 for name in SPACE.cell_types}
    close = {**clear, "normal": [[1.0, 0.01], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]}
    both = {"magnitude": genotype, "removal": genotype}
    plot_selections(both, SPACE, "cells.png", {"magnitude": close})
    plot_selections(both, SPACE, "cells.png", {"magnitude": clear})
    marked = [
        [text.get_text() for axes in figure.axes for text in axes.texts if "?" in text.get_text()]
        for figure in drawn
    ]
    assert marked == [["sep_conv_3x3 ?"], []]
    assert [len(figure.texts) for figure in drawn] == [2, 1]


def test_nothing_to_draw(tmp_path):
    with pytest.raises(UserError, match="expected at least one genotype"):
        plot_selections({}, SPACE, tmp_path / "none.png")
    with pytest.raises(UserError, match="must end in"):
        draw(tmp_path / "cells.jpg", 1)
