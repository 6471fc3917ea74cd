import json

import pytest

from darts_tf import genotypes, spaces
from darts_tf.genotypes import Edge, Genotype, nas_bench_201
from darts_tf.genotypes.published import GENOTYPES

NAMES = (
    "DARTS_V1",
    "DARTS_V2",
    "PC_DARTS_CIFAR",
    "PDARTS",
    "SNAS_MILD",
    "SNAS_MODERATE",
    "SNAS_AGGRESSIVE",
    "GDAS",
    "NASNET",
    "AMOEBANET",
    "DRNAS",
)
OF_THE_BENCHMARK = ("NAS_BENCH_201_RESNET", "NAS_BENCH_201_CONVOLUTIONS")
RECURRENT = ("RNN_DARTS_V1", "RNN_DARTS_V2", "RNN_ENAS")


def test_names():
    assert tuple(GENOTYPES) == NAMES + OF_THE_BENCHMARK + RECURRENT


@pytest.mark.parametrize("name", GENOTYPES)
def test_round_trip_through_json(name):
    genotype = genotypes.get(name)
    assert Genotype.from_dict(json.loads(genotype.to_json())) == genotype


@pytest.mark.parametrize("name", NAMES)
def test_every_node_sums_two_edges(name):
    for cell in GENOTYPES[name].genotype.cells.values():
        assert [len(node) for node in cell.nodes] == [2] * len(cell.nodes)


@pytest.mark.parametrize("name", GENOTYPES)
def test_cites_its_paper(name):
    paper = GENOTYPES[name].paper
    assert str(paper).endswith(f"arXiv:{paper.arxiv}")
    assert all((paper.authors, paper.title, paper.venue))
    assert GENOTYPES[name].repository.count("/") == 1


def test_all_differ():
    assert len({published.genotype for published in GENOTYPES.values()}) == len(GENOTYPES)


def test_nasnet_and_amoebanet_have_five_nodes_and_loose_ends_only_as_output():
    for name, concats in {
        "NASNET": ((2, 3, 4, 5, 6), (4, 5, 6)),
        "AMOEBANET": ((4, 5, 6), (3, 4, 6)),
    }.items():
        genotype = genotypes.get(name)
        assert genotype.space == "nasnet"
        assert tuple(genotype[kind].concat for kind in ("normal", "reduce")) == concats
    assert not spaces.get("nasnet").searchable


def test_edges_that_are_easily_mistaken():
    """Copies of these cells differ on the web; these are the authors' own."""
    assert genotypes.get("GDAS")["reduce"].nodes[3] == (
        Edge("sep_conv_5x5", 0),
        Edge("sep_conv_5x5", 1),
    )
    assert genotypes.get("SNAS_MODERATE")["reduce"].nodes[3] == (
        Edge("sep_conv_5x5", 0),
        Edge("sep_conv_5x5", 1),
    )


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("DARTS_V1", "normal", {"sep_conv_3x3": 5, "skip_connect": 3}),
        ("DARTS_V2", "normal", {"sep_conv_3x3": 5, "skip_connect": 2, "dil_conv_3x3": 1}),
        ("SNAS_AGGRESSIVE", "reduce", {"sep_conv_5x5": 2, "none": 6}),
        ("DRNAS", "reduce", {"sep_conv_5x5": 4, "dil_conv_5x5": 2, "max_pool_3x3": 1}),
    ],
)
def test_operation_counts(name, kind, count):
    operations = [edge.operation for edge in genotypes.get(name)[kind].edges]
    assert {operation: operations.count(operation) for operation in count} == count


def test_cells_of_the_benchmark():
    written = [nas_bench_201.to_string(genotypes.get(name)) for name in OF_THE_BENCHMARK]
    assert written == [
        "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
        "+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    ]


def test_recurrent_cells():
    assert genotypes.get("RNN_DARTS_V2")["recurrent"].edges == (
        ("sigmoid", 0),
        ("relu", 1),
        ("relu", 1),
        ("identity", 1),
        ("tanh", 2),
        ("sigmoid", 5),
        ("tanh", 3),
        ("relu", 5),
    )
    assert genotypes.get("RNN_DARTS_V1")["recurrent"].edges == (
        ("relu", 0),
        ("relu", 1),
        ("tanh", 2),
        ("relu", 3),
        ("relu", 4),
        ("identity", 1),
        ("relu", 5),
        ("relu", 1),
    )
    for name in RECURRENT[:2]:
        assert genotypes.get(name)["recurrent"].concat == tuple(range(1, 9))
    assert GENOTYPES["RNN_DARTS_V2"].test_perplexity == 55.68


def test_the_output_of_enas_is_the_mean_of_the_nodes_that_lead_nowhere():
    cell = genotypes.get("RNN_ENAS")["recurrent"]
    assert len(cell.nodes) == 11
    sources = {edge.source for edge in cell.edges}
    assert cell.concat == tuple(node for node in range(1, 12) if node not in sources)
