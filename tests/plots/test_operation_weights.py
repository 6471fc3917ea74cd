import numpy as np
import pytest

from darts_tf import plots, spaces
from darts_tf.common.errors import UserError

SPACE = spaces.get("darts_cnn")


def weights(epochs=3, winner=4, seed=0):
    """Random weights in which operation `(winner + edge) % 8` is largest at the end."""
    values = np.random.default_rng(seed).uniform(0.05, 0.1, (epochs, 14, 8))
    for edge in range(14):
        values[-1, edge, (winner + edge) % 8] = 0.5
    return values


def test_names_the_winner_of_every_edge(drawn):
    plots.plot_operation_weights({"normal": weights(winner=4)}, SPACE, "weights.png")
    panels = [axes for axes in drawn[0].axes if axes.images]
    assert [axes.get_title() for axes in panels] == [
        f"{SPACE.operations[(4 + edge) % 8]}  0.500" for edge in range(14)
    ]


def test_what_has_not_won_is_neither_named_nor_marked(drawn):
    values = np.full((2, 14, 8), 0.1)
    values[-1, 0, 3] = 0.105
    values[-1, 1, 3] = 0.107
    values[-1, 2] = 0
    plots.plot_operation_weights({"normal": values}, SPACE, "weights.png")
    panels = [axes for axes in drawn[0].axes if axes.images]
    titles = ["undecided  0.105", "skip_connect  0.107", "removed", "undecided  0.100"]
    assert [axes.get_title() for axes in panels[:4]] == titles
    assert [len(axes.lines) for axes in panels[:4]] == [0, 1, 0, 0]


def test_shows_the_numbers_time_to_the_right_and_operations_downwards(drawn):
    values = weights(epochs=5)
    plots.plot_operation_weights({"reduce": values}, SPACE, "weights.png")
    panels = [axes for axes in drawn[0].axes if axes.images]
    for edge, axes in enumerate(panels):
        np.testing.assert_array_equal(axes.images[0].get_array(), values[:, edge].T)
        assert axes.images[0].get_extent() == [0.5, 5.5, 7.5, -0.5]
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == list(SPACE.operations)


def test_panels_stand_in_the_row_of_their_node_and_the_column_of_their_source(drawn):
    plots.plot_operation_weights({"normal": weights()}, SPACE, "weights.png")
    panels = [axes for axes in drawn[0].axes if axes.images]
    corners = [(round(axes.get_position().y0, 6), axes.get_position().x0) for axes in panels]
    rows = sorted({y for y, _ in corners}, reverse=True)
    columns = sorted({round(x, 6) for _, x in corners})
    assert [(rows.index(y), columns.index(round(x, 6))) for y, x in corners] == list(SPACE.edges)


def test_both_cells_share_one_scale(drawn):
    plots.plot_operation_weights(
        {"normal": weights(), "reduce": 0.5 * weights()}, SPACE, "weights.png"
    )
    panels = [axes for axes in drawn[0].axes if axes.images]
    assert len(panels) == 28
    assert {axes.images[0].get_clim() for axes in panels} == {(0.5 * weights().min(), 0.5)}
    texts = {text.get_text() for text in drawn[0].texts}
    assert {"Normal cell", "Reduction cell", "into node 5"} <= texts
    assert "into node 1" not in texts


def test_noise_does_not_look_like_a_decision(drawn):
    nearly_equal = np.random.default_rng(0).uniform(0.1249, 0.1251, (2, 14, 8))
    plots.plot_operation_weights({"normal": nearly_equal}, SPACE, "weights.png")
    low, high = next(axes for axes in drawn[0].axes if axes.images).images[0].get_clim()
    assert low == nearly_equal.min()
    assert high == pytest.approx(low + 0.02)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_same_bytes_twice_and_one_epoch_is_enough(tmp_path, suffix):
    for name in ("a", "b"):
        plots.plot_operation_weights(
            {"normal": weights(epochs=1)}, SPACE, tmp_path / f"{name}.{suffix}"
        )
    one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert one == other


def not_finite():
    values = weights()
    values[0, 0, 0] = np.nan
    return values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (weights()[0], r"normal cell: expected the shape \[epochs, 14 edges, 8 operations\]"),
        (weights()[:, :13], r"got \[3, 13, 8\]"),
        (weights()[:0], r"at least one epoch, got \[0, 14, 8\]"),
        (not_finite(), "not every number is finite"),
        (weights() - 0.2, "expected numbers from 0 to 1, got -0.1[45]"),
    ],
)
def test_wrong_arrays(values, message, tmp_path):
    with pytest.raises(UserError, match=message):
        plots.plot_operation_weights({"normal": values}, SPACE, tmp_path / "weights.png")


def test_no_cells(tmp_path):
    with pytest.raises(UserError, match="at least one cell type"):
        plots.plot_operation_weights({}, SPACE, tmp_path / "weights.png")


def test_a_recurrent_cell(drawn):
    values = np.random.default_rng(0).dirichlet(np.ones(5), size=(3, 36))
    plots.plot_operation_weights({"recurrent": values}, spaces.get("darts_rnn"), "weights.png")
    (figure,) = drawn
    assert len([axes for axes in figure.axes if axes.images]) == 36
    texts = {
        text.get_text() for text in [*figure.texts, *(x for a in figure.axes for x in a.texts)]
    }
    assert {"from node 0 ($x_t$, $h_{t-1}$)", "into node 8", "Recurrent cell"} <= texts
    assert any("$h_t$ is the cell's output" in text for text in texts)


def test_epochs_that_are_not_known_stay_blank(drawn):
    values = weights(epochs=4)
    values[:2] = np.nan
    plots.plot_operation_weights({"normal": values}, SPACE, "weights.png")
    image = next(axes for axes in drawn[0].axes if axes.images).images[0]
    shown = image.get_array()
    assert np.ma.getmaskarray(shown).sum() == 16 and shown.shape == (8, 4)
    assert image.get_clim() == (np.nanmin(values), 0.5)
    values[3] = np.nan
    with pytest.raises(UserError, match="operation weights of the normal cell"):
        plots.plot_operation_weights({"normal": values}, SPACE, "weights.png")
