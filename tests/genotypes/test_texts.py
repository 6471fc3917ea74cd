"""Genotypes as other programs write them: read, written, refused."""

import json
import pathlib

import pytest

from darts_tf import genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, forms, published

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "genotypes.md"

# The line that quark0/darts prints, and its file has, for DARTS_V2.
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
RNN_V1 = (
    "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), "
    "('identity', 1), ('relu', 5), ('relu', 1)], concat=range(1, 9))"
)
# The genotype of `DARTS.load_searched_model('darts-v2')` of NNI 2.10 and 3.0.
NNI = {
    f"{cell}/{kind}_{2 + i // 2}_{i % 2}": value
    for cell, kind, values in (
        ("normal", "op", "sep3 sep3 sep3 sep3 sep3 skip skip dil3"),
        ("normal", "input", (0, 1, 0, 1, 1, 0, 0, 2)),
        ("reduce", "op", "max3 max3 skip max3 max3 skip skip max3"),
        ("reduce", "input", (0, 1, 2, 1, 0, 2, 2, 1)),
    )
    for i, value in enumerate(values.split() if isinstance(values, str) else values)
}
_NAMES = {
    **{"sep3": "sep_conv_3x3", "skip": "skip_connect"},
    **{"dil3": "dil_conv_3x3", "max3": "max_pool_3x3"},
}
NNI = {key: _NAMES.get(value, value) for key, value in NNI.items()}
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"

SAMPLED = (
    *("darts_cnn", "nasnet", "nas_bench_201", "s1", "s2", "s3", "s4"),
    *("darts_rnn", "enas_rnn", "two_input_rnn"),
)


def of_every_space():
    names = [
        *published.GENOTYPES,
        *(f"random:{name}:{seed}" for name in SAMPLED for seed in (1, 2)),
    ]
    return [genotypes.get(name) for name in names]


class TestRoundTrip:
    @pytest.mark.parametrize("form", forms.FORMS)
    def test_every_form_of_every_cell_that_it_can_write(self, form):
        written = []
        for genotype in of_every_space():
            try:
                text = genotype.to_text(form)
            except UserError as error:
                assert "\n" not in str(error)
                continue
            assert genotypes.from_text(text, genotype.space) == genotype
            assert genotypes.from_text(f"\n {text}\n").cells == genotype.cells
            written.append(genotype.space)
        assert set(written) >= WRITTEN[form]

    def test_published_cells_find_their_own_space(self):
        for one in published.GENOTYPES.values():
            assert genotypes.from_text(one.genotype.to_text("nested")) == one.genotype

    def test_random_cells_as_the_benchmarks_numbers(self):
        for index in (0, 9, 123, 4_000, 15_624):
            genotype = genotypes.get(f"nas_bench_201:{index}")
            assert genotype.to_text("nas-bench-201-index") == str(index)
            for form in ("nas-bench-201", "naslib", "autodl", "nni", "nested"):
                assert genotypes.from_text(genotype.to_text(form)) == genotype

    def test_an_unknown_form(self):
        with pytest.raises(UserError, match="unknown form of a genotype 'onnx'; expected .*nested"):
            genotypes.get("DARTS_V2").to_text("onnx")

    def test_the_document_names_every_form(self):
        text = DOCUMENT.read_text()
        assert [form for form in forms.FORMS if f"| `{form}` |" not in text] == []


_CNN, _BENCHMARK = {"darts_cnn", "s1", "s2", "s3"}, {"nas_bench_201"}
_RNN = {"darts_rnn", "enas_rnn", "two_input_rnn"}
#: Form -> spaces of whose cells it can write at least one.
WRITTEN = {
    **dict.fromkeys(("json", "python", "nested", "autodl"), {*SAMPLED}),
    "pytorch": _CNN | _RNN | {"nasnet", "s4"},
    "fair-darts": _CNN | {"nasnet", "s4"},
    "nni": _CNN | _BENCHMARK | {"s4"},
    "nni-1": _CNN,
    **dict.fromkeys(("nas-bench-201", "nas-bench-201-index", "naslib"), _BENCHMARK),
}


class TestPyTorch:
    def test_what_darts_prints(self):
        assert genotypes.from_text(DARTS_V2) == genotypes.get("DARTS_V2")
        assert genotypes.get("DARTS_V2").to_text() == DARTS_V2.replace(
            "[2, 3, 4, 5]", "range(2, 6)"
        )
        assert genotypes.from_text(RNN_V1) == genotypes.get("RNN_DARTS_V1")
        assert genotypes.get("RNN_DARTS_V1").to_text() == RNN_V1
        assert genotypes.get(DARTS_V2) == genotypes.get("DARTS_V2")

    @pytest.mark.parametrize(
        "text",
        [
            DARTS_V2.replace("[2, 3, 4, 5]", "range(2, 6)"),
            DARTS_V2.replace("[2, 3, 4, 5]", "list(range(2, 6))").replace("'", '"'),
            # NumPy 2 prints its numbers so, in a tuple.
            DARTS_V2.replace(", 0)", ", np.int64(0))"),
            f"DARTS = genotypes.{DARTS_V2}  # the second one".replace("), (", "),\n    ("),
            DARTS_V2.replace("normal_concat=", "")
            .replace("normal=", "")
            .replace("reduce=", "")
            .replace("reduce_concat=", ""),
            DARTS_V2[:-1] + ", connectN=None, connects=None)",
            json.dumps(
                {
                    **{
                        t: [list(e) for e in genotypes.get("DARTS_V2")[t].edges]
                        for t in ("normal", "reduce")
                    },
                    **{"normal_concat": [2, 3, 4, 5], "reduce_concat": [2, 3, 4, 5]},
                },
                indent=2,
            ),
        ],
        ids=["range", "list", "numpy", "code", "positional", "gdas", "json"],
    )
    def test_other_spellings(self, text):
        assert genotypes.from_text(text) == genotypes.get("DARTS_V2")

    def test_weights_behind_the_sources(self):
        """What GDAS' search in AutoDL-Projects logs."""
        nodes = [(("skip_connect", 0, 0.25), ("sep_conv_3x3", 1, 0.125))] * 4
        fields = {"normal": nodes, "normal_concat": [2, 3, 4, 5]}
        text = f"<<<--->>> {fields | {'reduce': nodes, 'reduce_concat': [2, 3, 4, 5]}}"
        expected = CellGenotype([[("skip_connect", 0), ("sep_conv_3x3", 1)]] * 4, (2, 3, 4, 5))
        assert genotypes.from_text(text).cells == {"normal": expected, "reduce": expected}

    def test_triples_of_fair_darts(self):
        """Its node 3 takes one edge; the third number is the source."""
        text = (
            "Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), "
            "('max_pool_3x3', 3, 1), ('skip_connect', 4, 3), ('dil_conv_5x5', 5, 1)], "
            "normal_concat=range(2, 6), reduce=[('skip_connect', 2, 0), ('skip_connect', 3, 0), "
            "('skip_connect', 4, 0), ('skip_connect', 5, 2)], reduce_concat=range(2, 6))"
        )
        cell = genotypes.from_text(text)["normal"]
        assert cell.nodes == (
            (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
            (("max_pool_3x3", 1),),
            (("skip_connect", 3),),
            (("dil_conv_5x5", 1),),
        )

    def test_the_concatenations_that_naslib_writes(self):
        text = DARTS_V2.replace("l_concat=[2, 3, 4, 5]", "l_concat=[2, 3, 4, 5, 6]")
        with pytest.raises(UserError, match="node 6 does not exist"):
            genotypes.from_text(text)
        text = text.replace("e_concat=[2, 3, 4, 5]", "e_concat=[4, 5, 6]")
        assert genotypes.from_text(text) == genotypes.get("DARTS_V2")


class TestLogs:
    def test_the_last_whole_one(self, caplog):
        first, second, third = (genotypes.get(f"random:{seed}").to_text() for seed in range(3))
        log = (
            "[2026-08-05 12:01:24] search | epoch 0\n"
            f"08/05 12:01:24 PM genotype = {first}\n"
            f"08/05 12:09:24 PM genotype = {second}\n"
            f"08/05 12:17:24 PM genotype = {third[:200]}"
        )
        with caplog.at_level("INFO", logger="absl"):
            assert genotypes.from_text(log) == genotypes.get("random:1")
        assert "the last whole one counts, of line 3" in caplog.text
        # What only looks like one at the end is passed over, and so is its beginning.
        assert genotypes.from_text(f"{log}\nGenotype(see above)") == genotypes.get("random:1")
        assert genotypes.from_text(f"{log}\n{third}") == genotypes.get("random:2")

    def test_strings_of_the_benchmark(self):
        text = f"arch : Structure(4 nodes with |none~0|+...)\n||| best {BEST} : 94.3 %\n"
        assert genotypes.from_text(text).to_text("nas-bench-201") == BEST

    def test_our_own_json_and_repr(self):
        genotype = genotypes.get("GDAS")
        assert genotypes.from_text(f"found {genotype.to_json()} at last") == genotype
        assert genotypes.from_text(f"found {genotype!r} at last") == genotype

    def test_only_the_unfinished_one(self):
        with pytest.raises(UserError, match="the text ends within it"):
            genotypes.from_text(f"12:01 genotype = {DARTS_V2[:300]}")


class TestNni:
    def test_the_hub(self):
        assert genotypes.from_text(json.dumps(NNI)) == genotypes.get("DARTS_V2")
        # Versions before 3 write inputs as lists; a search tells widths too; Python's quotes.
        lists = {k: [v] if "input" in k else v for k, v in NNI.items()} | {"width": 16}
        assert genotypes.from_text(f"exported: {lists}") == genotypes.get("DARTS_V2")
        assert json.loads(genotypes.get("DARTS_V2").to_text("nni")) == NNI

    def test_the_example(self):
        """As in the documentation of NNI 1: the third node takes the nodes 0 and 3."""
        names = ["maxpool", "avgpool", "skipconnect", "sepconv3x3", "sepconv5x5", "dilconv3x3"]
        by_name, by_number, by_bool = {}, {}, {}
        for cell in ("normal", "reduce"):
            for node, (first, second) in {2: (0, 1), 3: (0, 1), 4: (0, 3), 5: (2, 4)}.items():
                key = f"{cell}_n{node}"
                for p in range(node):
                    taken = p in (first, second)
                    by_name[f"{key}_p{p}"] = names[p] if taken else []
                    by_number[f"{key}_p{p}"] = p
                    by_bool[f"{key}_p{p}"] = [taken and k == p for k in range(8)]
                by_name[f"{key}_switch"] = [f"{key}_p{first}", f"{key}_p{second}"]
                by_number[f"{key}_switch"] = [first, second]
                by_bool[f"{key}_switch"] = [p in (first, second) for p in range(node)]
        nodes = (
            (("max_pool_3x3", 0), ("avg_pool_3x3", 1)),
            (("max_pool_3x3", 0), ("avg_pool_3x3", 1)),
            (("max_pool_3x3", 0), ("sep_conv_3x3", 3)),
            (("skip_connect", 2), ("sep_conv_5x5", 4)),
        )
        expected = CellGenotype(nodes, (2, 3, 4, 5))
        for found in (by_name, by_number, by_bool):
            genotype = genotypes.from_text(json.dumps(found))
            assert genotype.cells == {"normal": expected, "reduce": expected}
        assert json.loads(genotype.to_text("nni-1")) == by_name

    def test_the_benchmark(self):
        """The example of NNI's documentation of benchmarks."""
        arch = {"0_1": "avg_pool_3x3", "0_2": "conv_1x1", "1_2": "skip_connect"}
        arch |= {"0_3": "conv_1x1", "1_3": "skip_connect", "2_3": "skip_connect"}
        expected = (
            "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
            "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
        )
        for text in (json.dumps(arch), f"arch = {arch}"):
            found = genotypes.from_text(text)
            assert found.to_text("nas-bench-201") == expected
        assert found.to_text("nas-bench-201-index") == "0"
        assert json.loads(found.to_text("nni")) == arch


class TestNasBench201:
    def test_naslibs_order_of_edges_and_operations(self):
        """NASLib's `convert_op_indices_to_str((2, 3, 0, 1, 4, 2))`, by hand.

        Its edges are (1,2) (1,3) (1,4) (2,3) (2,4) (3,4), its operations Identity, Zero,
        ReLUConvBN3x3, ReLUConvBN1x1, AvgPool1x1.
        """
        expected = (
            "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+"
            "|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|"
        )
        names = ["ReLUConvBN3x3", "ReLUConvBN1x1", "Identity", "Zero", "AvgPool1x1"]
        for text in ("(2, 3, 0, 1, 4, 2)", "[2,3,0,1,4,2]", json.dumps([*names, names[0]])):
            assert genotypes.from_text(text).to_text("nas-bench-201") == expected

    def test_names_of_the_benchmark_are_in_its_order(self):
        names = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none"]
        string = genotypes.from_text(repr(names)).to_text("nas-bench-201")
        parts = string.replace("+", "").strip("|").split("|")
        assert [part.split("~")[0] for part in parts if part] == names

    def test_the_structure_of_autodl_whose_missing_edges_are_none(self):
        text = (
            "Structure([(('nor_conv_3x3', 0),), (('nor_conv_3x3', 1),), "
            "(('skip_connect', 0), ('skip_connect', 2))])"
        )
        expected = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
        # The inner list is what Python prints of its nodes.
        found = genotypes.from_text(text.removeprefix("Structure(").removesuffix(")"))
        assert found.to_text("nas-bench-201") == expected


def test_an_own_space_is_found():
    spaces.register(spaces.Space("texts", ("none", "skip_connect", "sep_conv_3x3"), nodes=3))
    genotype = genotypes.get("random:texts:1")
    assert genotypes.from_text(genotype.to_text()) == genotype
