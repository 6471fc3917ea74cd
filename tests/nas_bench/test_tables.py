import pathlib
import sys

import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201
from darts_tf.nas_bench.tables import _NATS, BenchmarkTable, Place, save
from tests.nas_bench import every_cell

STRINGS = [
    nas_bench_201.to_string(nas_bench_201.from_operations([name] * 6))
    for name in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
]
REAL = pathlib.Path(__file__).parents[2] / "shared" / "data" / "nas_bench_201_12epochs.csv"


@pytest.fixture
def table():
    return BenchmarkTable(STRINGS, {"val": [10, 50, 90, 90, 50], "test": [1, 2, 3, 4, 5]})


def cell(k):
    return nas_bench_201.from_string(STRINGS[k])


class TestPlace:
    def test_ranks_and_percentiles_with_ties(self, table):
        assert table.place(cell(0), "val") == Place(10, 5, 0.0)
        assert table.place(cell(1), "val") == table.place(cell(4), "val") == Place(50, 3, 20.0)
        assert table.place(cell(2), "val") == table.place(cell(3), "val") == Place(90, 1, 60.0)
        assert table.place(cell(3), "test") == Place(4, 2, 60.0)

    def test_all_ranks_of_a_column_without_ties(self, table):
        ranks = [table.place(cell(k), "test").rank for k in range(5)]
        assert ranks == [5, 4, 3, 2, 1]

    def test_best(self, table):
        assert table.best("val") == (2, 3) and table.best("test") == (4,)

    def test_index_both_ways(self, table):
        for k in range(5):
            assert table.index(table.genotype(k)) == k

    def test_report(self, table):
        report = table.report(cell(4))
        assert report["index"] == 4 and report["architectures"] == 5
        assert report["columns"]["test"] == {"accuracy": 5.0, "rank": 1, "percentile": 80.0}

    def test_only_percents(self):
        with pytest.raises(UserError, match="'flops' holds numbers from 0 to 400; expected acc"):
            BenchmarkTable(STRINGS, {"flops": [0, 100, 200, 300, 400]})

    def test_what_it_does_not_hold(self, table):
        with pytest.raises(UserError, match="no column 'cifar10'; expected one of val, test"):
            table.place(cell(0), "cifar10")
        with pytest.raises(UserError, match="does not hold the architecture"):
            table.place(genotypes.get("random:nas_bench_201:0"), "val")
        with pytest.raises(UserError, match="is not in NAS-Bench-201; search with --space="):
            table.place(genotypes.get("DARTS_V1"), "val")


class TestFiles:
    def test_round_trip(self, table, tmp_path):
        save(table, tmp_path / "table.csv")
        loaded = BenchmarkTable.load(tmp_path / "table.csv")
        assert loaded.strings == table.strings
        for name in ("val", "test"):
            np.testing.assert_array_equal(loaded.columns[name], table.columns[name])

    @pytest.mark.parametrize(
        "text, reason",
        [
            ("", "is no benchmark table; expected a CSV file"),
            ("a,b\n1,2\n", "is no benchmark table"),
            (f"architecture,val\n{STRINGS[0]},ten\n", "line 2: val is 'ten', expected a number"),
            (f"architecture,val\n{STRINGS[0]}\n", "line 2: val is None, expected a number"),
            (
                f"index,architecture,val\n7,{STRINGS[0]},1\n",
                "line 2: index is '7', expected each number from 0",
            ),
            (f"architecture,val\n{STRINGS[0]},1\n{STRINGS[0]},2\n", "an architecture twice"),
            (f"architecture,val\n{STRINGS[0]},nan\n", "line 2: val is 'nan', expected a number"),
            (f"architecture\n{STRINGS[0]}\n", "holds no accuracies"),
            ("architecture,val\n", "a header and no line below it"),
            ("architecture,val\n|none~0|,1\n", r"line 2: '\|none~0\|' is no NAS-Bench-201 cell"),
            (f"architecture,val\n\n{STRINGS[0]},1,2\n", "line 3: 3 values, .* header names 2"),
            (f"architecture,val,val\n{STRINGS[0]},1,2\n", "the column 'val' twice"),
            (f"architecture,flops_M\n{STRINGS[0]},1\n", r"got flops_M \('flop' in its name\)"),
            (f"architecture,test\n{STRINGS[0]},101\n", r"test \(no percent: from 101 to 101\)"),
            (
                f"index,architecture,val\n1,{STRINGS[0]},1\n1,{STRINGS[1]},2\n",
                "line 3: index is '1' again, expected each number from 0 to 1 once",
            ),
        ],
    )
    def test_damaged(self, tmp_path, text, reason):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(UserError, match=reason):
            BenchmarkTable.load(tmp_path / "bad.csv")

    def test_only_accuracies_are_ranked_and_the_rest_is_named(self, tmp_path, caplog):
        """By name and range: counts, times and deviations are no accuracies, whatever they hold."""
        header = "architecture,cifar10_val,flops_M,x-test,latency_ms,test_std,testAcc,valid_n,seed"
        rows = [
            f"{text},{80 + k},{15 + k},0.{k},{k},{k},{k},{k},7" for k, text in enumerate(STRINGS)
        ]
        (tmp_path / "table.csv").write_text("\n".join([header, *rows]) + "\n")
        with caplog.at_level("INFO", logger="absl"):
            table = BenchmarkTable.load(tmp_path / "table.csv")
        assert list(table.columns) == ["cifar10_val", "x-test", "testAcc"]
        assert list(table.report(cell(0))["columns"]) == ["cifar10_val", "x-test", "testAcc"]
        assert table.accuracy(cell(3), "cifar10_val") == 83
        assert table.accuracy(cell(3), "x-test") == pytest.approx(30)
        assert table.left_out == {
            "flops_M": "'flop' in its name",
            "latency_ms": "'latenc' in its name",
            "test_std": "'std' in its name",
            "valid_n": "'n' in its name",
            "seed": "its name is not that of an accuracy",
        }
        assert caplog.messages == [
            f"{tmp_path}/table.csv: 5 architectures; accuracies in percent: cifar10_val, x-test "
            "(shares of 1, times 100), testAcc; not ranked: flops_M ('flop' in its name), "
            "latency_ms ('latenc' in its name), test_std ('std' in its name), valid_n ('n' in its "
            "name), seed (its name is not that of an accuracy)"
        ]
        with pytest.raises(UserError, match=r"no column 'flops_M' \('flop' in its name\)"):
            table.place(cell(0), "flops_M")

    def test_columns_can_be_named(self, tmp_path):
        rows = [f"{text},{k},{50 + k}" for k, text in enumerate(STRINGS)]
        (tmp_path / "table.csv").write_text("\n".join(["architecture,val,score", *rows]))
        table = BenchmarkTable.load(tmp_path / "table.csv", accuracies=["score"])
        assert list(table.columns) == ["score"] and table.accuracy(cell(2), "score") == 52
        with pytest.raises(UserError, match="no column 'scores'; expected some of architecture"):
            BenchmarkTable.load(tmp_path / "table.csv", accuracies=["scores"])

    @pytest.mark.parametrize("index", ["index", "", "Index"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_a_sorted_table_keeps_its_index(self, table, tmp_path, index, separator):
        """As a spreadsheet writes one, with a mark of the encoding and an empty line."""
        rows = [(k, STRINGS[k], table.columns["val"][k]) for k in (2, 3, 1, 4, 0)]
        lines = [(index, "architecture", "val"), *rows]
        text = "".join(separator.join(map(str, line)) + "\r\n" for line in lines)
        (tmp_path / "table.csv").write_text(text + "\r\n", encoding="utf-8-sig", newline="")
        loaded = BenchmarkTable.load(tmp_path / "table.csv")
        assert loaded.strings == table.strings
        np.testing.assert_array_equal(loaded.columns["val"], table.columns["val"])
        assert loaded.index(cell(2)) == 2 and loaded.genotype(4) == cell(4)

    def test_the_index_beside_numbers_of_rows(self, table, tmp_path):
        """A sorted table as pandas writes it: its own number of the row comes first."""
        rows = [f"{i},{k},{STRINGS[k]},{k}" for i, k in enumerate((4, 2, 0, 1, 3))]
        (tmp_path / "table.csv").write_text("\n".join([",index,architecture,test", *rows]))
        assert BenchmarkTable.load(tmp_path / "table.csv").index(cell(2)) == 2

    def test_missing(self, tmp_path):
        with pytest.raises(UserError, match="cannot read the benchmark table"):
            BenchmarkTable.load(tmp_path / "none.csv")

    def test_a_folder_needs_the_authors_package(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "nats_bench", None)
        with pytest.raises(UserError, match="pip install nats-bench"):
            BenchmarkTable.load(tmp_path)


def test_a_folder_of_nats_bench(tmp_path, monkeypatch):
    """With a stand-in that has the signatures of nats-bench 1.8; its data are too large to test."""

    class Api(list):
        def get_more_info(self, index, dataset, iepoch=None, hp="12", is_random=True):
            assert iepoch is None and hp == "200" and not is_random
            number = 10 * index + ["cifar10-valid", "cifar10", "cifar100"].index(dataset[:13])
            return {"valid-accuracy": number, "test-accuracy": number + 0.5}

    class Package:
        @staticmethod
        def create(file_path_or_dict, search_space, fast_mode=False, verbose=True):
            assert (file_path_or_dict, search_space, fast_mode) == (str(tmp_path), "tss", True)
            return Api(STRINGS)

    monkeypatch.setitem(sys.modules, "nats_bench", Package)
    with pytest.raises(UserError, match="cannot read NATS-Bench from .*ImageNet16-12"):
        BenchmarkTable.load(tmp_path)
    monkeypatch.setattr("darts_tf.nas_bench.tables._NATS", _NATS[:4])
    table = BenchmarkTable.load(tmp_path)
    assert table.strings == tuple(STRINGS)
    assert table.accuracy(cell(3), "cifar10_val") == 30
    assert table.accuracy(cell(3), "cifar10_test") == 31.5
    assert table.accuracy(cell(2), "cifar100_val") == 22
    assert table.accuracy(cell(2), "cifar100_test") == 22.5


@pytest.fixture(scope="module")
def real():
    return BenchmarkTable.load(REAL)


@pytest.mark.skipif(not REAL.exists(), reason="the 12-epoch table is not beside this project")
class TestTheBenchmark:
    def test_it_holds_every_architecture_once(self, real):
        assert len(real) == 15_625
        assert set(real.strings) == set(every_cell.all_strings())

    def test_known_indices(self, real):
        assert real.strings[0].startswith("|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|")
        all_of = {k: real.index(nas_bench_201.from_operations([k] * 6)) for k in _KNOWN}
        assert all_of == _KNOWN
        best = ["nor_conv_3x3"] * 3 + ["skip_connect", "nor_conv_3x3", "nor_conv_1x1"]
        assert real.index(nas_bench_201.from_operations(best)) == 6111

    def test_the_order_needs_no_table(self, real):
        assert [nas_bench_201.index_of(real.genotype(i)) for i in range(0, 15_625, 25)] == list(
            range(0, 15_625, 25)
        )

    def test_disconnected_outputs_have_learned_nothing(self, real):
        dead = [i for i in range(len(real)) if not every_cell.output_is_connected(real.genotype(i))]
        assert len(dead) == 341
        np.testing.assert_allclose(real.columns["cifar10_test"][dead], 10, atol=1e-9)

    def test_all_skip_after_12_epochs(self, real):
        place = real.place(real.genotype(1835), "cifar10_test")
        assert place.accuracy == 36.84
        values = real.columns["cifar10_test"]
        assert place.rank == 1 + int((values > 36.84).sum())
        assert place.percentile == pytest.approx(100 * (values < 36.84).mean())


_KNOWN = {"skip_connect": 1835, "none": 1651}
