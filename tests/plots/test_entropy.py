import numpy as np
import pytest

from darts_tf import plots, spaces
from darts_tf.common.errors import UserError

RECORDS = [
    {"epoch": 1, "entropy_by_step": {"normal": [3.0, 2.0], "reduce": [3.0, 3.0]}},
    {"epoch": 2, "entropy_by_step": {"normal": [1.0, 0.5], "reduce": [2.0, 1.0]}},
]


@pytest.fixture(scope="module")
def space():
    return spaces.Space("entropy", ("none", "skip_connect"), nodes=1)


def test_a_point_for_every_step_and_the_largest_entropy(drawn, space):
    plots.plot_entropy(RECORDS, space, "entropy.png")
    (axes,) = drawn[0].axes
    curves = [line.get_xydata() for line in axes.lines]
    np.testing.assert_array_equal(curves[0], [[0.5, 3.0], [1.0, 2.0], [1.5, 1.0], [2.0, 0.5]])
    np.testing.assert_array_equal(curves[2][:, 1], [3.0, 3.0, 2.0, 1.0])
    # Two edges of two operations.
    np.testing.assert_allclose(curves[1][:, 1], 2 * np.log(2))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["normal", "reduce"]


def test_nothing_to_draw(space):
    with pytest.raises(UserError, match="expected records with entropy_by_step"):
        plots.plot_entropy([{"loss": 1.0}], space, "entropy.png")
