import json
import os

import keras
import numpy as np
import pytest

from darts_tf import datasets, genotypes
from tests.train import bad_data
from tests.train.programs import assert_refused, start, start_all

TINY = ["--channels=2", "--cells=3", "--batch_size=4", "--epochs=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def flags(folder):
    bad_data.write_odd(folder / "odd.npz")
    output = f"--output_dir={folder / 'run'}"
    return [*TINY, "--genotype=DARTS_V2", f"--dataset={folder / 'odd.npz'}", output]


@pytest.fixture(scope="module")
def first(flags):
    """One training on odd-sized colour images, as a user starts it."""
    done = start("train.evaluate", *flags)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
class TestRun:
    def test_says_what_it_does(self, first, folder):
        lines = first.stdout.splitlines()
        assert lines[0] == "data: odd, 24 training and 9 test images of 7x5x3, 3 classes"
        assert lines[1] == (
            "training images: not shifted, not mirrored, nothing cut out (change that with "
            "--flip, --cutout); all are normalised"
        )
        assert lines[2].startswith("network: 3 cells, 2 channels, ")
        assert lines[-1].startswith("test accuracy ") and " on 9 images" in lines[-1]
        assert "Traceback" not in first.stderr

    def test_network_and_result(self, first, folder):
        """The network in the file gives the accuracy and the cost in the result."""
        network = keras.saving.load_model(folder / "run" / "model.keras", compile=False)
        result = json.loads((folder / "run" / "result.json").read_text())
        data = json.loads((folder / "run" / "data.json").read_text())
        loaded = datasets.load(str(folder / "odd.npz"))
        assert network.output_shape == (None, 3)
        images = (loaded.test_images / 255 - data["mean"]) / data["std"]
        logits = network(images.astype("float32"), training=False).numpy()
        accuracy = np.mean(logits.argmax(axis=-1) == loaded.test_labels)
        np.testing.assert_allclose(result["test_accuracy"], accuracy)
        assert result["test_examples"] == 9 and result["epochs"] == 2
        assert result["parameters"] == sum(v.numpy().size for v in network.trainable_variables)
        assert result["multiply_adds"] > 0 and result["train_seconds"] > 0
        assert 0.1 < result["peak_memory_gb_of_last_start"] < 100

    def test_other_files(self, first, folder):
        run = folder / "run"
        names = set(os.listdir(run))
        assert {"checkpoints", "config.json", "flags.txt", "history.png", "tensorboard"} <= names
        assert not [name for name in names if name.endswith(".part") or "unfinished" in name]
        assert genotypes.get(str(run / "genotype.json")) == genotypes.get("DARTS_V2")
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert [record["epoch"] for record in records] == [1, 2]
        assert all(np.isfinite(list(record.values())).all() for record in records)
        report = (run / "report.html").read_text()
        assert "of 9 test images" in report and "Reduction cell" in report

    def test_started_again(self, first, flags, folder):
        before = (folder / "run" / "model.keras").read_bytes()
        done = start_all(
            "train.evaluate",
            {
                "same": flags,
                "cells": [*flags, "--cells=4"],
                "genotype": [*flags, "--genotype=DARTS_V1"],
            },
        )
        assert done["same"].returncode == 0
        result = json.loads((folder / "run" / "result.json").read_text())
        expected = f"this training is finished: test accuracy {result['test_accuracy']:.4f}"
        assert expected in done["same"].stdout
        assert_refused(done["cells"], "other settings: cells was 3 and is now 4")
        assert_refused(done["genotype"], "other settings: genotype was ")
        assert (folder / "run" / "model.keras").read_bytes() == before


def damaged_genotypes(folder):
    """Genotype files that can't be used; name -> (path, a part of the reason)."""
    good = genotypes.get("DARTS_V2").to_dict()

    def change(*path, value):
        copy = json.loads(json.dumps(good))
        place = copy
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return json.dumps(copy)

    nodes = ("cells", "normal", "nodes")
    contents = {
        "not JSON": ("{", "not JSON"),
        "a list": ("[]", "expected an object"),
        "version": (change("schema_version", value=9), "schema_version is 9"),
        "space": (change("space", value="resnet"), "unknown search space 'resnet'"),
        "operation": (change(*nodes, 0, 0, value=["conv", 0]), "cells.normal.nodes[0][0]"),
        "input": (change(*nodes, 1, 0, value=["skip_connect", 3]), "cells.normal.nodes[1][0]"),
        "nodes": (change(*nodes, value=[[["none", 0]]]), "has 4 nodes, got 1"),
        "bytes": (b"\xff\xfe\x00", "cannot read the genotype"),
    }
    cases = {}
    for name, (content, reason) in contents.items():
        path = folder / f"{name}.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        cases[name] = (str(path), reason)
    return {
        **cases,
        "nowhere": ("/nowhere.json", "'/nowhere.json' is neither a genotype file nor "),
        "folder": (str(folder), "cannot read the genotype"),
    }


BAD_FLAGS = {
    "drop path": (["--drop_path=1"], "--drop_path=1.0: expected a number from 0 to below 1"),
    "smoothing": (["--label_smoothing=-0.1"], "--label_smoothing=-0.1: expected"),
    "learning rate": (["--learning_rate=nan"], "--learning_rate=nan: expected"),
    "weight decay": (["--weight_decay=-1"], "--weight_decay=-1.0: expected"),
    "stem": (["--stem=resnet"], "--stem=resnet"),
    "cells": (["--cells=2"], "--cells=2"),
    "large batch": (["--batch_size=100000"], "batch size 100000"),
    "small images": (["--stem=imagenet"], "auxiliary head needs features of at least 2x2"),
    "no genotype": (["--genotype="], "--genotype is missing"),
    "argument": (["DARTS_V2"], "unexpected argument 'DARTS_V2'"),
}


@pytest.fixture(scope="module")
def refused(folder):
    (folder / "genotypes").mkdir()
    files = damaged_genotypes(folder / "genotypes")
    base = [*TINY, "--genotype=DARTS_V2"]
    cases = {
        name: [*base, f"--output_dir={folder / 'out' / name}", *bad]
        for name, (bad, _) in BAD_FLAGS.items()
    }
    cases |= {
        f"genotype: {name}": [*base, f"--output_dir={folder / 'out' / name}", f"--genotype={path}"]
        for name, (path, _) in files.items()
    }
    cases["no output"] = base
    return start_all("train.evaluate", cases), files


@pytest.mark.parametrize("name", BAD_FLAGS)
def test_bad_flags(refused, name):
    assert_refused(refused[0][name], BAD_FLAGS[name][1])


def test_bad_genotypes(refused, folder):
    results, files = refused
    for name, (_, reason) in files.items():
        assert_refused(results[f"genotype: {name}"], reason)
        assert not (folder / "out" / name).exists()


def test_no_output_folder(refused):
    assert_refused(refused[0]["no output"], "--output_dir is missing")
