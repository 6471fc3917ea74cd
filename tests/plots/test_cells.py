import itertools

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from darts_tf import genotypes, plots
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.genotypes.published import GENOTYPES
from darts_tf.plots import style

CELLS = {
    f"{name}-{cell_type}": cell
    for name, published in GENOTYPES.items()
    for cell_type, cell in published.genotype.cells.items()
}
RECURRENT = {name: cell for name, cell in CELLS.items() if name.startswith("RNN")}


def kind_of(name):
    """The arguments of `plot_cell` for one of these cells."""
    return {"inputs": 1, "kind": "recurrent"} if name in RECURRENT else {}


def boxes_of_texts(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    return {text: text.get_window_extent(renderer) for text in figure.axes[0].texts}


@pytest.mark.parametrize("name", CELLS)
def test_every_text_is_inside_the_picture_and_overlaps_no_other(name, drawn):
    cell = CELLS[name]
    plots.plot_cell(cell, "cell.png", title="A cell", **kind_of(name))
    (figure,) = drawn
    boxes = boxes_of_texts(figure)
    # The operations, both inputs, node 0 that they become, the nodes, the output and the title.
    inputs = 3 if name in RECURRENT else 2
    assert len(boxes) == len(cell.edges) + inputs + len(cell.nodes) + 1 + 1
    width, height = figure.canvas.get_width_height()
    for box in boxes.values():
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not one.overlaps(other)


@pytest.mark.parametrize("name", CELLS)
def test_no_line_runs_behind_an_operation_that_is_not_its_own(name, drawn):
    cell = CELLS[name]
    plots.plot_cell(cell, "cell.png", **kind_of(name))
    axes = drawn[0].axes[0]
    lines = [patch for patch in axes.patches if not patch.get_fill()]
    into_node_0 = 2 if name in RECURRENT else 0
    assert len(lines) == into_node_0 + 2 * len(cell.edges) + len(cell.concat)
    names = {edge.operation for edge in cell.edges}
    boxes = [box for text, box in boxes_of_texts(drawn[0]).items() if text.get_text() in names]
    for line, box in itertools.product(lines, boxes):
        # In pixels; flattening a path needs them to be fine enough.
        path = line.get_transform().transform_path(line.get_path())
        (points,) = path.to_polygons(closed_only=False)
        steps = np.linspace(points[:-1], points[1:], 20).reshape(-1, 2)
        # A line ends at the sides of its boxes, so none touches the name of any operation.
        assert not (
            (abs(steps[:, 0] - (box.x0 + box.x1) / 2) < box.width / 2)
            & (abs(steps[:, 1] - (box.y0 + box.y1) / 2) < box.height / 2)
        ).any()


def test_operations_are_named_once_an_edge_and_states_are_numbered(drawn):
    plots.plot_cell(genotypes.get("DARTS_V2")["normal"], "cell.png")
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts.count("sep_conv_3x3") == 5
    assert texts.count("skip_connect") == 2
    assert texts.count("dil_conv_3x3") == 1
    assert {"0 = $c_{k-2}$", "1 = $c_{k-1}$", "$c_k$", "2", "3", "4", "5"} <= set(texts)


def test_the_numbers_are_those_of_the_genotypes_file(drawn):
    """With one input, too: a cell of NAS-Bench-201 has its nodes 0 to 3."""
    plots.plot_genotype(genotypes.get("random:nas_bench_201:0"), ".", formats=["png"])
    texts = {text.get_text() for text in drawn[0].axes[0].texts}
    assert {"0 = $c_{k-1}$", "1", "2", "3", "$c_k$"} <= texts


def test_the_first_input_is_on_top(drawn):
    for name, cell in CELLS.items():
        plots.plot_cell(cell, "cell.png", **kind_of(name))
        axes = drawn.pop().axes[0]
        heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
        assert axes.yaxis_inverted()
        first, last = (
            ("$x_t$", "$h_{t-1}$") if kind_of(name) else ("0 = $c_{k-2}$", "1 = $c_{k-1}$")
        )
        assert heights[first] < heights[last]


def test_a_recurrent_cell_reads_its_input_and_its_state_and_gives_the_next_state(drawn):
    plots.plot_genotype(genotypes.get("RNN_DARTS_V2"), ".", formats=["png"])
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts[0] == "Recurrent cell"
    assert {"$x_t$", "$h_{t-1}$", "$h_t$", *map(str, range(9))} <= set(texts)
    assert texts.count("relu") == 3 and texts.count("identity") == 1


@pytest.mark.parametrize(
    ("operation", "colour"),
    [
        ("sep_conv_3x3", style.BLUE),
        ("conv_7x1_1x7", style.BLUE),
        ("dil_conv_5x5", style.SKY),
        ("max_pool_3x3", style.ORANGE),
        ("avg_pool_3x3", style.ORANGE),
        ("skip_connect", style.GREEN),
        ("identity", style.GREEN),
        ("tanh", style.ORANGE),
        ("relu", style.BLUE),
    ],
)
def test_colour_says_what_kind_of_operation_it_is(tmp_path, operation, colour):
    cell = CellGenotype(nodes=((Edge(operation, 0), Edge(operation, 1)),), concat=(2,))
    plots.plot_cell(cell, tmp_path / "cell.png")
    pixels = matplotlib.image.imread(tmp_path / "cell.png")[..., :3]

    def share(name):
        return np.isclose(pixels, to_rgb(name), atol=0.01).all(-1).mean()

    assert share(colour) > 0.03
    for other in {style.BLUE, style.SKY, style.ORANGE, style.GREEN} - {colour}:
        assert share(other) == 0


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_same_bytes_twice(tmp_path, suffix):
    cell = genotypes.get("GDAS")["normal"]
    for name in ("a", "b"):
        plots.plot_cell(cell, tmp_path / f"{name}.{suffix}", title="GDAS")
    one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert one == other
    assert len(one) > 5000


def test_plot_genotype_writes_both_cells_in_both_formats(tmp_path):
    paths = plots.plot_genotype(genotypes.get("DARTS_V2"), tmp_path)
    assert [path.name for path in paths] == [
        "cell_normal.svg",
        "cell_normal.png",
        "cell_reduce.svg",
        "cell_reduce.png",
    ]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert paths[0].read_bytes() != paths[2].read_bytes()


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_one_file_has_all_cells_below_each_other(tmp_path, drawn, suffix):
    genotype = genotypes.get("DARTS_V2")
    leads = {"normal": [[1.0, 1.0]] * 4, "reduce": [[0.0, 0.0]] * 4}
    path = tmp_path / f"cell.{suffix}"
    assert plots.plot_genotype(genotype, str(path), leads=leads) == [path]
    plots.plot_genotype(genotype, tmp_path, formats=[suffix], leads=leads)
    whole, normal, reduce = drawn
    sizes = [figure.get_size_inches() for figure in (normal, reduce)]
    width, height = whole.get_size_inches()
    assert width == max(w for w, _ in sizes)
    np.testing.assert_allclose(height, sum(h for _, h in sizes))
    upper, lower = whole.axes
    for axes, (w, h) in zip((upper, lower), sizes, strict=True):
        # As large as alone, so that texts fit their boxes.
        np.testing.assert_allclose(axes.bbox.size / whole.dpi, (w, h))
    assert lower.bbox.y0 == pytest.approx(0, abs=1e-6)
    assert upper.bbox.y0 == pytest.approx(lower.bbox.y1)
    for axes, alone in zip((upper, lower), (normal, reduce), strict=True):
        texts = [[text.get_text() for text in one.texts] for one in (axes, alone.axes[0])]
        assert texts[0] == texts[1]


def test_a_genotype_of_one_cell_in_a_file(tmp_path):
    (path,) = plots.plot_genotype(genotypes.get("RNN_DARTS_V1"), tmp_path / "cell.png")
    assert path.read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is no folder '.*nowhere' for the pictures"),
        ("cell.pdf", r"its name must end in .svg or .png"),
        ("nowhere/cell.png", "cannot write .*cell.png: No such file"),
    ],
)
def test_neither_a_folder_nor_a_picture(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        plots.plot_genotype(genotypes.get("DARTS_V2"), tmp_path / name)


def test_a_chain_of_eight_nodes_and_an_input_in_the_output(drawn):
    cell = CellGenotype(
        nodes=tuple((Edge("sep_conv_3x3", 1 + i), Edge("none", 0)) for i in range(8)),
        concat=(0, 9),
    )
    plots.plot_cell(cell, "cell.png")
    lines = [patch for patch in drawn[0].axes[0].patches if not patch.get_fill()]
    assert len(lines) == 2 * 16 + 2


def test_what_is_close_to_a_draw_is_dashed_and_says_so(drawn):
    cell = genotypes.get("DARTS_V2")["normal"]
    leads = [[0.06] * len(node) for node in cell.nodes]
    leads[1][0] = 0.059
    plots.plot_cell(cell, "cell.png", leads=leads)
    plots.plot_cell(cell, "cell.png", leads=[[0.06, 1.0]] * 4)
    one, none = (figure.axes[0] for figure in drawn)
    note = "dashed: close to a draw with the next operation"
    assert [text.get_text() for text in one.texts].count(note) == 1
    # Its box and the lines to and from it.
    dashed = [patch for patch in one.patches if patch.get_linestyle() in ("--", "dashed")]
    assert len(dashed) == 3
    assert {patch.get_edgecolor()[:3] for patch in dashed} == {to_rgb(style.BLUE)}
    assert note not in [text.get_text() for text in none.texts]
    boxes = list(boxes_of_texts(drawn[0]).values())
    assert min(box.y0 for box in boxes) >= 0
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_genotype_takes_the_leads_of_its_cells(drawn):
    genotype = genotypes.get("DARTS_V2")
    leads = {"normal": [[1.0, 1.0]] * 4, "reduce": [[0.0, 0.0]] * 4}
    plots.plot_genotype(genotype, ".", formats=("png",), leads=leads)
    notes = [
        any(text.get_text().startswith("dashed") for text in figure.axes[0].texts)
        for figure in drawn
    ]
    assert notes == [False, True]
