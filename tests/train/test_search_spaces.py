"""`train.search` in the space of NAS-Bench-201, with costs, and without a supernet."""

import json

import numpy as np
import pytest

from darts_tf.genotypes import nas_bench_201
from darts_tf.genotypes.genotype import Genotype
from darts_tf.nas_bench.tables import BenchmarkTable, save
from tests.nas_bench import every_cell
from tests.train import bad_data
from tests.train.programs import assert_refused, start_all

TINY = ["--space=nas_bench_201", "--channels=2", "--cells=3", "--batch_size=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spaces")
    bad_data.write_odd(folder / "odd.npz")
    strings = list(every_cell.all_strings())
    save(BenchmarkTable(strings, {"test": np.linspace(0, 100, len(strings))}), folder / "table.csv")
    return folder


@pytest.fixture(scope="module")
def runs(folder):
    common = [*TINY, f"--dataset={folder / 'odd.npz'}", f"--benchmark_table={folder}/table.csv"]
    aging = ["--method=aging-evolution", "--candidates=2", "--candidate_epochs=1"]
    cases = {
        "aging": [*common, *aging, f"--output_dir={folder / 'aging'}"],
        "gradient": [
            *(*common, "--method=darts-v1", "--epochs=1", "--cost=flops", "--cost_weight=2"),
            f"--output_dir={folder / 'gradient'}",
        ],
    }
    results = start_all("train.search", cases, eagerly=True)
    assert [done.returncode for done in results.values()] == [0, 0], results
    return cases, results


def read(folder, name):
    return json.loads((folder / name / "result.json").read_text())


@pytest.mark.slow
class TestRun:
    @pytest.mark.parametrize("name", ["aging", "gradient"])
    def test_the_architectures_place_and_cost_are_reported(self, runs, folder, name):
        genotype = Genotype.load(folder / name / "genotype.json")
        string = nas_bench_201.to_string(genotype)
        index = list(every_cell.all_strings()).index(string)
        result = read(folder, name)
        assert result["benchmark"]["index"] == index
        assert result["benchmark"]["columns"]["test"]["rank"] == 15_625 - index
        assert result["network"]["channels"] == 2 and result["network"]["parameters"] > 1000
        output = runs[1][name].stdout
        assert f"benchmark: {string} is #{index}" in output
        assert f"rank {15_625 - index:,} of 15,625" in output
        assert f"{result['network']['parameters']:,} parameters" in output
        names = {path.name for path in (folder / name).iterdir()}
        assert {"cell_normal.png", "cell_normal.svg", "flags.txt"} <= names

    def test_the_cost_is_in_the_loss(self, runs, folder):
        record = json.loads((folder / "gradient" / "metrics.jsonl").read_text())
        # Two times the cost of equal weights: the penalty is 2 at the start.
        assert abs(record["architecture_loss"] - record["loss"] - 2) < 0.8

    def test_every_candidate_is_logged(self, runs, folder):
        lines = (folder / "aging" / "candidates.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        assert [record["candidate"] for record in records] == [1, 2]
        scores = [record["validation_accuracy"] for record in records]
        best = Genotype.from_dict(records[int(np.argmax(scores))]["genotype"])
        assert Genotype.load(folder / "aging" / "genotype.json") == best
        assert read(folder, "aging")["validation_accuracy"] == max(scores)

    def test_a_resumed_search_equals_an_uninterrupted_one(self, runs, folder):
        log = folder / "aging" / "candidates.jsonl"
        before = [json.loads(line) for line in log.read_text().splitlines()]
        first = log.read_text().splitlines()[0]
        log.write_text(first + "\n")
        (folder / "aging" / "result.json").unlink()
        done = start_all("train.search", {"again": runs[0]["aging"]}, eagerly=True)["again"]
        assert done.returncode == 0 and "candidate 1/2" not in done.stdout
        after = [json.loads(line) for line in log.read_text().splitlines()]
        for record in (*before[1:], *after[1:]):
            del record["seconds"]
        assert after == before


SELECTIONS = ("magnitude", "operation_strength_first_order")


@pytest.fixture(scope="module")
def selected(runs, folder):
    run = f"--run_dir={folder / 'gradient'}"
    table = f"--benchmark_table={folder}/table.csv"
    names = f"--selection={','.join(SELECTIONS)}"
    before = {p: p.read_bytes() for p in (folder / "gradient").iterdir() if p.is_file()}
    cases = {
        "good": [run, names, "--edge_order=margin", "--selection_batches=1", table],
        "no run": [],
        "no search": [f"--run_dir={folder}"],
        "no supernet": [f"--run_dir={folder / 'aging'}"],
        "unknown": [run, "--selection=magnitude,best"],
        "twice": [run, "--selection=magnitude,magnitude"],
        "no effect": [run, "--selection=magnitude", "--edge_order=margin"],
        "of the search": [run, "--epochs=3"],
    }
    results = start_all("train.select", cases, eagerly=True)
    after = {p: p.read_bytes() for p in (folder / "gradient").iterdir() if p.is_file()}
    assert after == before
    return results


@pytest.mark.slow
class TestSelectAgain:
    """`train.select` on the folder of a finished search."""

    def test_side_by_side(self, selected, folder):
        assert selected["good"].returncode == 0, selected["good"].stderr
        where = folder / "gradient" / "selections"
        rows = json.loads((where / "selections.json").read_text())
        assert [row["selection"] for row in rows] == list(SELECTIONS)
        assert [row["cost"]["images_evaluated"] for row in rows] == [0, 0]
        # The gradient of one batch of 4 images before each of 6 decisions.
        assert [row["cost"]["images_differentiated"] for row in rows] == [0, 6 * 4]
        found = [Genotype.load(where / name / "genotype.json") for name in SELECTIONS]
        assert found[0] == Genotype.load(folder / "gradient" / "genotype.json")
        for genotype, row in zip(found, rows, strict=True):
            assert row["benchmark"]["architecture"] == nas_bench_201.to_string(genotype)
            operations = [edge.operation for edge in genotype["normal"].edges]
            assert row["skip_connections"] == {"normal": operations.count("skip_connect")}
            assert row["after_epochs"] == 1
        lines = selected["good"].stdout.splitlines()
        assert any(line.startswith("magnitude   ") for line in lines)
        names = {path.name for path in where.rglob("*")}
        assert {"selections.png", "cell_normal.svg"} <= names

    @pytest.mark.parametrize(
        "name, reason",
        [
            ("no run", "--run_dir is missing"),
            ("no search", "holds no config.json; give a folder of train.search"),
            ("no supernet", "a search by aging-evolution, which has no supernet"),
            ("unknown", "unknown selection 'best'; expected one of magnitude"),
            ("twice", "--selection=magnitude,magnitude: expected different names"),
            ("no effect", "--edge_order is for selections that decide edge by edge"),
            ("of the search", "--epochs is a setting of the search and is taken from --run_dir"),
        ],
    )
    def test_bad_flags(self, selected, name, reason):
        assert_refused(selected[name], reason)


BASELINE = ["--method=random", "--candidates=1"]
REFUSED = {
    "te-nas": (["--method=te-nas", "--epochs=3"], "--epochs has no meaning for the method te-nas"),
    "candidates": (["--method=darts-v1", "--candidates=3"], "--candidates is for the methods"),
    "cost": ([*BASELINE, "--cost=flops"], "--cost has no meaning for a method without a supernet"),
    "epochs": ([*BASELINE, "--epochs=3"], "--epochs has no meaning for a method without"),
    "replicas": (
        [*BASELINE, "--distribute=mirrored", "--cpu_devices=2"],
        "--method=random runs on one device; add --distribute=none",
    ),
    "cells": ([*BASELINE, "--cells=4"], "cells is 4; .*choose a multiple of 3"),
    "weight": (["--cost_weight=1"], "--cost_weight has no meaning without --cost"),
    "negative": (["--cost=flops", "--cost_weight=-1"], "--cost_weight=-1.0: expected 0 or a"),
    "no latencies": (["--cost=latency"], "needs --latency_table; python -m train.latency"),
    "no file": (
        ["--cost=latency", "--latency_table=/nowhere.json"],
        "cannot read the latency table '/nowhere.json'",
    ),
    "table": (["--benchmark_table=/nowhere.csv"], "cannot read the benchmark table"),
    "other space": (
        ["--space=darts_cnn", "--benchmark_table=/nowhere.csv"],
        "--benchmark_table is for --space=nas_bench_201, got --space=darts_cnn",
    ),
}


@pytest.mark.slow
def test_flags_without_a_meaning_are_refused(folder):
    cases = {
        name: [
            *(*TINY, f"--dataset={folder / 'odd.npz'}"),
            *(f"--output_dir={folder / 'refused' / name}", *bad),
        ]
        for name, (bad, _) in REFUSED.items()
    }
    results = start_all("train.search", cases)
    for name, (_, reason) in REFUSED.items():
        assert_refused(results[name], reason.split(".*")[0], reason.split(".*")[-1])


@pytest.mark.slow
def test_latencies_are_measured_for_the_search(folder):
    size = ["--space=nas_bench_201", "--channels=2", "--cells=3"]
    dataset = f"--dataset={folder / 'odd.npz'}"
    cases = {
        "good": [*size, dataset, f"--output={folder / 'latency.json'}"],
        "no output": [*size, dataset],
        "flip": [*size, dataset, f"--output={folder / 'mirrored.json'}", "--flip"],
    }
    results = start_all("train.latency", cases)
    assert results["good"].returncode == 0, results["good"].stderr
    table = json.loads((folder / "latency.json").read_text())
    assert table["batch_size"] == 1 and table["device"]
    assert "nor_conv_3x3 to 2 channels, strides 1, input 7x5x2" in table["milliseconds"]
    assert_refused(results["no output"], "--output is missing")
    assert_refused(results["flip"], "--flip has no meaning for train.latency")
