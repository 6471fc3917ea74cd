import json
import os

import numpy as np
import pytest

from darts_tf import genotypes
from tests.train import bad_data
from tests.train.programs import assert_refused, start, start_all

TINY = ["--channels=2", "--cells=3", "--batch_size=4", "--epochs=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def flags(folder):
    bad_data.write_odd(folder / "odd.npz")
    output = f"--output_dir={folder / 'run'}"
    # Two operations an edge are traced sooner than the eight of darts_cnn.
    method = ["--method=darts-v1", "--space=s2"]
    return [*TINY, *method, f"--dataset={folder / 'odd.npz'}", output]


@pytest.fixture(scope="module")
def first(flags):
    """One search of odd-sized colour images, as a user starts it."""
    done = start("train.search", *flags)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def again(first, flags, folder):
    """Starts in the folder of the finished search, and with other settings."""
    cases = {
        "same": flags,
        "seed": [*flags, "--seed=1"],
        "method": [*flags, "--method=darts-v2"],
        "flagfile": [f"--flagfile={folder / 'run' / 'flags.txt'}"],
    }
    before = _content(folder / "run")
    results = start_all("train.search", cases)
    assert _content(folder / "run") == before
    return results


def _content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
class TestRun:
    def test_says_what_it_does(self, first):
        lines = first.stdout.splitlines()
        assert lines[0] == "data: odd, 24 training and 9 test images of 7x5x3, 3 classes"
        assert lines[1].startswith("training images: not shifted, not mirrored, nothing cut out (")
        assert "3 cells, 2 channels" in lines[2] and "method darts-v1" in lines[2]
        assert any(line.startswith("epoch 2/2  loss ") for line in lines)
        assert lines[-1].startswith("found a cell in ")
        assert "Traceback" not in first.stderr

    def test_genotype(self, first, folder):
        genotype = genotypes.get(str(folder / "run" / "genotype.json"))
        assert genotype.space == "s2"
        operations = [e.operation for cell in genotype.cells.values() for e in cell.edges]
        assert len(operations) == 16 and "none" not in operations
        assert genotypes.get(str(folder / "run" / "best_genotype.json")).space == "s2"

    def test_metrics(self, first, folder):
        lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        assert [record["epoch"] for record in records] == [1, 2]
        by_step = [record.pop("entropy_by_step") for record in records]
        assert all(np.isfinite(list(record.values())).all() for record in records)
        assert all(record["step_cpu_seconds"] > 0 for record in records)
        assert len({len(values) for epoch in by_step for values in epoch.values()}) == 1
        assert abs(records[-1]["entropy"] - np.log(2)) < 0.01

    def test_result(self, first, folder):
        result = json.loads((folder / "run" / "result.json").read_text())
        assert (result["method"], result["hypergradient"]) == ("darts-v1", "first_order")
        assert result["epochs"] == 2 and result["wall_seconds_of_last_start"] > 0
        lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
        accuracies = [json.loads(line)["val_accuracy"] for line in lines]
        assert result["best_supernet_validation_accuracy"] == max(accuracies)
        assert result["best_epoch"] == 1 + accuracies.index(max(accuracies))

    def test_operation_weights(self, first, folder):
        with np.load(folder / "run" / "operation_weights.npz") as arrays:
            assert arrays["normal"].shape == arrays["reduce"].shape == (2, 14, 2)
            np.testing.assert_allclose(arrays["normal"].sum(axis=-1), 1, rtol=1e-5)

    def test_other_files(self, first, folder):
        names = set(os.listdir(folder / "run"))
        assert {"checkpoints", "config.json", "data.json", "flags.txt", "history.png"} <= names
        assert "multiply adds" in (folder / "run" / "report.html").read_text()
        assert {
            f"cell_{t}.{kind}" for t in ("normal", "reduce") for kind in ("svg", "png")
        } <= names
        assert {"operation_weights.png", "tensorboard", "versions.json"} <= names
        assert not [name for name in names if name.endswith(".part") or "unfinished" in name]
        assert list((folder / "run" / "tensorboard").iterdir())
        data = json.loads((folder / "run" / "data.json").read_text())
        assert data["image_shape"] == [7, 5, 3] and len(data["class_names"]) == 3

    @pytest.mark.parametrize("case", ["same", "flagfile"])
    def test_a_second_start_is_finished(self, again, case):
        assert again[case].returncode == 0, again[case].stderr
        assert "this search is finished" in again[case].stdout

    def test_other_settings_are_refused_by_name(self, again):
        assert_refused(again["seed"], "other settings: seed was 0 and is now 1")
        assert_refused(again["method"], "method was 'darts-v1' and is now 'darts-v2'")


BAD_FLAGS = {
    "method": (["--method=darts"], ["--method=darts", "darts-v1"]),
    "space": (["--space=nasnet"], ["--space=nasnet", "darts_cnn"]),
    "hypergradient": (["--hypergradient=third"], ["--hypergradient=third", "unrolled"]),
    "distribute": (["--distribute=all"], ["--distribute=all"]),
    "unknown flag": (["--epoch=3"], ["epoch"]),
    "no flag": (["epochs=3"], ["unexpected argument 'epochs=3'"]),
    "no number": (["--epochs=many"], ["--epochs=many"]),
    "no epochs": (["--epochs=0"], ["--epochs=0"]),
    "no batch": (["--batch_size=0"], ["--batch_size=0"]),
    "half a batch": (["--batch_size=3.5"], ["--batch_size=3.5"]),
    "limit without auto": (["--memory_limit=3"], ["--memory_limit is for --batch_size=auto"]),
    "limit": (["--batch_size=auto", "--memory_limit=-1"], ["--memory_limit=-1"]),
    "auto and recompute": (["--batch_size=auto", "--recompute"], ["what --recompute saves"]),
    "auto in stages": (
        ["--batch_size=auto", "--method=p-darts"],
        ["does not suit --method=p-darts"],
    ),
    "unequal parts": (["--accumulate_steps=3"], ["--batch_size=4 is no multiple"]),
    "parts": (["--accumulate_steps=2", "--method=darts-v2-exact"], ["accumulate_steps=2 does not"]),
    "one channel": (["--channels=1"], ["--channels=1"]),
    "two cells": (["--cells=2"], ["--cells=2"]),
    "negative seed": (["--seed=-1"], ["--seed=-1"]),
    "learning rate": (["--weight_learning_rate=-1"], ["--weight_learning_rate=-1.0: expected"]),
    "NaN rate": (["--architecture_learning_rate=nan"], ["--architecture_learning_rate=nan"]),
    "all for weights": (["--train_portion=1"], ["1.0"]),
    "NaN portion": (["--train_portion=nan"], ["nan"]),
    "large batch": (["--batch_size=100000"], ["batch size 100000", "choose at most 719"]),
    "no examples": (["--train_examples=0"], ["0"]),
    "image size": (["--image_size=-3"], ["-3"]),
    "flagfile": (["--flagfile=/nowhere/flags.txt"], ["/nowhere/flags.txt"]),
}


@pytest.fixture(scope="module")
def refused(folder):
    (folder / "bad").mkdir()
    datasets = bad_data.write_bad(folder / "bad")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "thesis.tex").write_text("mine")
    (folder / "file").write_text("")
    out = folder / "out"
    cases = {
        name: [*TINY, f"--output_dir={out / name}", *bad] for name, (bad, _) in BAD_FLAGS.items()
    }
    cases |= {
        f"data: {name}": [*TINY, f"--output_dir={out / name}", f"--dataset={dataset}"]
        for name, (dataset, _) in datasets.items()
    }
    # A start that was refused doesn't occupy its folder.
    cases["mended"] = [*TINY, f"--output_dir={out / 'large batch'}", "--batch_size=200000"]
    cases["no output"] = TINY
    cases["holds something else"] = [*TINY, f"--output_dir={folder / 'thesis'}"]
    cases["is a file"] = [*TINY, f"--output_dir={folder / 'file'}"]
    cases["is nowhere"] = [*TINY, "--output_dir=/proc/nowhere"]
    return start_all("train.search", cases), datasets


@pytest.mark.parametrize("name", BAD_FLAGS)
def test_bad_flags(refused, name):
    assert_refused(refused[0][name], *BAD_FLAGS[name][1])


def test_bad_data(refused, folder):
    results, datasets = refused
    for name, (_, reason) in datasets.items():
        assert_refused(results[f"data: {name}"], reason)
        assert not (folder / "out" / name).exists()


@pytest.mark.parametrize(
    "name, reason",
    [
        ("mended", "batch size 200000 is larger"),
        ("no output", "--output_dir is missing"),
        ("holds something else", "holds files but no run of this program"),
        ("is a file", "cannot write to --output_dir"),
        ("is nowhere", "cannot write to --output_dir=/proc/nowhere"),
    ],
)
def test_bad_output_folders(refused, folder, name, reason):
    assert_refused(refused[0][name], reason)
    assert os.listdir(folder / "thesis") == ["thesis.tex"]
