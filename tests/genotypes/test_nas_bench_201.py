import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.genotypes import CellGenotype, Edge, Genotype, nas_bench_201
from darts_tf.networks.network import build_network
from darts_tf.spaces import NAS_BENCH_201
from darts_tf.supernets.conversion import convert
from darts_tf.supernets.supernet import Supernet
from tests.nas_bench import every_cell
from tests.shapes_only import shapes_only

FIRST = (
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
    "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
)
SECOND = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
)


@pytest.fixture(scope="module")
def every():
    return list(every_cell.all_strings())


class TestStrings:
    def test_all_15625_round_trip(self, every):
        assert len(every) == len(set(every)) == 15_625
        for string in every:
            genotype = nas_bench_201.from_string(string)
            assert nas_bench_201.to_string(genotype) == string
        assert Genotype.from_json(genotype.to_json()) == genotype

    def test_341_outputs_are_disconnected(self, every):
        connected = [every_cell.output_is_connected(nas_bench_201.from_string(s)) for s in every]
        assert connected.count(False) == 341

    def test_the_edges_of_a_string(self):
        cell = nas_bench_201.from_string(SECOND)["normal"]
        assert cell.nodes[1] == (Edge("nor_conv_3x3", 0), Edge("avg_pool_3x3", 1))
        assert cell.nodes[2][0] == Edge("skip_connect", 0)
        assert cell.concat == (3,)

    def test_by_name(self):
        assert genotypes.get(FIRST) == nas_bench_201.from_string(FIRST)
        cell = genotypes.get("random:nas_bench_201:3")
        assert cell == genotypes.sample(NAS_BENCH_201, 3)
        assert len(cell["normal"].edges) == 6

    @pytest.mark.parametrize(
        "string",
        [
            "",
            "|none~0|",
            FIRST[:-1],
            FIRST + "|",
            FIRST.replace("~2", "~1"),
            FIRST.replace("|+|", "|"),
        ],
    )
    def test_what_is_no_string_is_refused(self, string):
        with pytest.raises(UserError, match="is no NAS-Bench-201 cell; expected"):
            nas_bench_201.from_string(string)

    def test_unknown_operation(self):
        with pytest.raises(UserError, match="unknown operation 'max_pool_3x3'"):
            nas_bench_201.from_string(FIRST.replace("avg", "max"))

    def test_other_cells_have_no_string(self):
        with pytest.raises(UserError, match="'darts_cnn' is not in NAS-Bench-201"):
            nas_bench_201.to_string(genotypes.get("DARTS_V2"))
        cell = CellGenotype([[("none", 0)], [("none", 0)], [("none", 0)]], (3,))
        with pytest.raises(UserError, match="each of its six edges once"):
            nas_bench_201.to_string(Genotype("nas_bench_201", {"normal": cell}))
        with pytest.raises(UserError, match="has 6 operations, got 5"):
            nas_bench_201.from_operations(["none"] * 5)


@pytest.mark.parametrize(
    "operations, size, classes, parameters, millions",
    [
        (FIRST, 32, 10, 129_306, 15.65),
        pytest.param(FIRST, 32, 100, 135_156, 15.65, marks=pytest.mark.slow),
        pytest.param(FIRST, 16, 120, 136_456, 3.92, marks=pytest.mark.slow),
        pytest.param(SECOND, 32, 10, 802_426, 113.95, marks=pytest.mark.slow),
        (["skip_connect"] * 6, 32, 10, 73_306, None),
        pytest.param(["nor_conv_3x3"] * 6, 32, 10, 1_531_546, None, marks=pytest.mark.slow),
        pytest.param(
            ["nor_conv_3x3"] * 3 + ["skip_connect", "nor_conv_3x3", "nor_conv_1x1"],
            *(32, 10, 1_073_466, None),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_benchmarks_parameters(operations, size, classes, parameters, millions):
    make = (
        nas_bench_201.from_string
        if isinstance(operations, str)
        else (nas_bench_201.from_operations)
    )
    # A trace, in which multiply-adds are counted, needs values.
    values = shapes_only if millions is None else lambda make: make()
    network = values(lambda: build_network(make(operations), (size, size, 3), classes))
    assert counted.parameters(network) == parameters
    if millions:
        assert round(counted.multiply_adds(network) / 1e6, 2) == millions


@pytest.fixture(scope="module")
def supernet():
    return Supernet("nas_bench_201", (8, 8, 3), 4, channels=2, cells=3)


class TestSupernet:
    def test_it_is_its_own_network(self, supernet):
        assert [v.name for v in supernet.architecture_variables] == ["alpha_normal"]
        assert [cell.channels for cell in supernet.cells] == [2, 4, 8]
        names = [type(part).__name__ for part in supernet.parts]
        cell, block = "BatchedMixedCell", "ResidualReduction"
        assert names == ["Stem", cell, block, cell, block, cell, "NormalizedClassifier"]
        inside = sum(6 * (9 + 1) * c * c for c in (2, 4, 8))
        blocks = sum(9 * c * 2 * c + 9 * 4 * c * c + 2 * c * c + 2 * 4 * c for c in (2, 4))
        total = 27 * 2 + 4 + inside + blocks + 16 + 8 * 4 + 4
        assert sum(v.numpy().size for v in supernet.weight_variables) == total

    def test_batched_cells_compute_the_same(self, supernet):
        x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
        plain = convert(supernet, batched=False)
        for training in (False, True):
            np.testing.assert_allclose(
                plain(x, training=training), supernet(x, training=training), rtol=1e-3, atol=1e-5
            )

    def test_one_hot_weights_are_the_derived_network(self, supernet):
        names = nas_bench_201.operations_of(nas_bench_201.from_string(SECOND))
        genotype = nas_bench_201.from_operations(names)
        hot = np.array([[name == k for k in NAS_BENCH_201.operations] for name in names])
        plain = convert(supernet, batched=False)
        plain.architecture.parameters["normal"]["alpha"].assign(np.where(hot, 1e3, 0))
        network = build_network(genotype, (8, 8, 3), 4, channels=2, cells=3)
        layers = [layer for layer in network.layers[1:] if layer.weights]
        for mine, its in zip(plain.parts, layers, strict=True):
            if mine not in plain.cells:
                its.set_weights(mine.get_weights())
                continue
            chains = [chain[0] for node in its.nodes for chain in node]
            for e, layer in enumerate(chains):
                chosen = mine.edges[e].candidates[NAS_BENCH_201.operations.index(names[e])]
                for variable in layer.weights:
                    same = [v for v in chosen.weights if v.path.split("/")[-1] == variable.name]
                    if same:
                        variable.assign(same[0])
        x = np.random.default_rng(1).normal(size=(4, 8, 8, 3)).astype("float32")
        np.testing.assert_allclose(
            plain(x, training=True), network(x, training=True), rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("cells", [0, 4])
def test_three_stages_of_equal_cells(cells):
    with pytest.raises(UserError, match=f"cells is {cells}; .* choose a multiple of 3"):
        Supernet("nas_bench_201", (8, 8, 3), 4, channels=2, cells=cells)


def test_it_has_no_auxiliary_head():
    with pytest.raises(UserError, match="'nas_bench_201' has no auxiliary head"):
        build_network(nas_bench_201.from_string(FIRST), (8, 8, 3), 4, auxiliary=True)
    with pytest.raises(UserError, match="unknown stem 'resnet'; expected one of cifar, imagenet"):
        build_network(nas_bench_201.from_string(FIRST), (8, 8, 3), 4, stem="resnet")


class TestIndex:
    def test_the_authors_three(self):
        """The architectures that `generate_meta_info` asserts of its order."""
        known = {
            0: "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
            "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
            9: "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
            123: "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+"
            "|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
        }
        for index, string in known.items():
            genotype = nas_bench_201.from_string(string)
            assert nas_bench_201.index_of(genotype) == index
            assert genotypes.get(f"nas_bench_201:{index}") == genotype

    def test_out_of_range(self):
        for index in (-1, 15_625):
            with pytest.raises(UserError, match="architectures 0 to 15624, got the index"):
                nas_bench_201.from_index(index)
