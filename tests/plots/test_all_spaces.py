"""All pictures of a search in all spaces, of one that has decided and of one that has not."""

import numpy as np
import pytest

from darts_tf import genotypes, plots, spaces
from darts_tf.genotypes import decidedness
from tests.plots import overlaps

# The others of RobustDARTS have fewer operations than s1.
SPACES = ("darts_cnn", "nas_bench_201", "s1", "darts_rnn", "two_input_rnn")
OWN = spaces.Space(
    "own_pictures", ("none", "a_convolution_of_mine", "skip_connect"), nodes=2, inputs=1
)
EPOCHS = 6


def space_of(name):
    return OWN if name == "own" else spaces.get(name)


def history(space, decided: bool):
    """Operation weights by epoch, the records of epochs, and the cells."""
    draw, weights, by_step = np.random.default_rng(0), {}, []
    genotype = genotypes.sample(space, 0)
    for cell_type in space.cell_types:
        mask = space.mask(cell_type)
        alphas = draw.normal(size=mask.shape)
        size = np.linspace(0, 2.5 if decided else 0.01, EPOCHS)[:, None, None]
        scores = np.exp(size * alphas) * mask
        weights[cell_type] = scores / scores.sum(-1, keepdims=True)
    for epoch in range(EPOCHS):
        entropies = {}
        for name, values in weights.items():
            row = np.where(values[epoch] > 0, values[epoch], 1)
            entropies[name] = [float(-(row * np.log(row)).sum())] * 2
        by_step.append(
            {
                **{"epoch": epoch + 1, "entropy_by_step": entropies, "entropy": 2 / (epoch + 1)},
                **{"loss": 2.0, "accuracy": 0.5, "val_loss": 2.1, "val_accuracy": 0.4},
                **{f"parameter_free_{name}": epoch for name in space.cell_types},
                **{"none_share": 0.1, "eigenvalue": 0.3, "collapse_warnings": epoch > 4},
            }
        )
    return weights, by_step, genotype


def draw_all(space, decided):
    """Draws all pictures of a search, under their names."""
    _, records, _ = history(space, decided)
    plots.plot_entropy(records, space, "entropy.png")
    plots.plot_history(records, "history.png", "Search on digits with darts-v1")
    plots.plot_collapse(records, "collapse.png")
    draw_cells(space, decided)


def draw_cells(space, decided):
    """Draws the pictures that depend on the space."""
    weights, _, genotype = history(space, decided)
    last = {name: values[-1] for name, values in weights.items()}
    leads = decidedness.leads(space, last, genotype)
    plots.plot_operation_weights(weights, space, "operation_weights.png", genotype)
    for name, cell in genotype.cells.items():
        options = {"inputs": space.inputs, "leads": leads[name], "kind": space.kind}
        plots.plot_cell(cell, f"cell_{name}.png", name, **options)
    two = {"magnitude": genotype, "operation_strength_first_order": genotype}
    plots.plot_selections(two, space, "selections.png", {"magnitude": leads})


@pytest.mark.parametrize("name", [*SPACES, "own"])
def test_every_text_can_be_read(drawn, name):
    """In an undecided search, which has more of them."""
    draw = draw_all if name == "nas_bench_201" else draw_cells
    draw(space_of(name), decided=False)
    assert len(drawn) >= 3
    for number, figure in enumerate(drawn):
        assert overlaps.found(figure) == [], number


def test_two_texts_on_one_another_are_found(drawn):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0.5, 0.5, "one")
    figure.text(0.51, 0.5, "two")
    figure.text(0.98, 0.2, "behind the edge")
    assert overlaps.found(figure) == ["'behind the edge' leaves the picture", "'two' on 'one'"]


def test_kept_edges_have_a_thick_frame(drawn):
    weights, _, genotype = history(space := spaces.get("darts_cnn"), True)
    plots.plot_operation_weights(weights, space, "weights.png", genotype)
    plots.plot_operation_weights(weights, space, "weights.png")
    for figure, frames in zip(drawn, (8, 0), strict=True):
        panels = [axes for axes in figure.axes if axes.images]
        assert len(panels) == 28
        for number, cell_type in enumerate(space.cell_types):
            own = panels[14 * number : 14 * (number + 1)]
            kept = {
                (edge.node, edge.source)
                for edge, axes in zip(space.edges, own, strict=True)
                if axes.spines["left"].get_linewidth() > 2
            }
            nodes = enumerate(genotype[cell_type].nodes)
            assert len(kept) == frames
            assert kept <= {(i, edge.source) for i, node in nodes for edge in node}


def test_an_undecided_search_is_no_white_sheet(drawn):
    weights, records, genotype = history(space := spaces.get("darts_cnn"), False)
    plots.plot_operation_weights(weights, space, "weights.png", genotype)
    panels = [axes for axes in drawn[0].axes if axes.images]
    for axes in panels:
        (image,) = axes.images
        assert image.cmap(image.norm(image.get_array()))[..., 0].max() < 0.9
        assert axes.get_title().startswith("undecided") and not axes.lines
    texts = [text.get_text() for text in drawn[0].texts]
    assert texts.count("14 of 14 edges undecided") == 2
    # Its curve is seen below the frame, and a sentence says what it means.
    plots.plot_entropy(records, space, "entropy.png")
    (axes,) = drawn[1].axes
    assert axes.get_ylim()[1] > 1.1 * axes.lines[0].get_ydata().max()
    assert ["has decided nothing" in text.get_text() for text in axes.texts] == [True]
    plots.plot_entropy(records[:1], space, "entropy.png")
    assert drawn[2].axes[0].lines[0].get_marker() == "o"


def test_operations_look_the_same_everywhere(drawn):
    """In the table of selections as in the cell, the undecided ones paler."""
    space = spaces.get("darts_cnn")
    genotype = genotypes.get("DARTS_V2")
    leads = {name: [[1.0, 0.0]] * 4 for name in space.cell_types}
    plots.plot_selections({"magnitude": genotype}, space, "selections.png", {"magnitude": leads})
    plots.plot_cell(genotype["normal"], "cell.png", leads=leads["normal"])
    table, cell = drawn
    faces = {}
    for figure, axes in ((table, table.axes[0]), (cell, cell.axes[0])):
        boxes = {tuple(x.get_facecolor()) for x in axes.patches if x.get_fill()}
        texts = {text.get_text().removesuffix(" ?") for text in axes.texts}
        faces[figure] = boxes
        assert {"sep_conv_3x3", "skip_connect"} <= texts
    assert faces[table] and faces[table] <= faces[cell]
