import json

import numpy as np
import pytest

from darts_tf import datasets, export, genotypes
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint
from darts_tf.export import export as image_export
from tests.serving import tiny_network


@pytest.fixture
def run(tmp_path):
    """The folder of a training on images of 16 bits."""
    images = np.random.default_rng(0).integers(0, 1024, (12, 8, 8, 1)).astype("uint16")
    names = list(tiny_network.CLASS_NAMES)
    data = datasets.from_arrays(images, np.arange(12) % 4, class_names=names)
    write(tmp_path, data.description(), {"task": "image_classification"})
    genotypes.get("DARTS_V2").save(tmp_path / "genotype.json")
    return tmp_path


def write(folder, description, config):
    (folder / "data.json").write_text(json.dumps(description))
    (folder / "config.json").write_text(json.dumps(config))


def test_images(run):
    found = export.arguments_of(run)
    data = datasets.load_description(run / "data.json")
    assert found["image_shape"] == [8, 8, 1] and found["bit_depth"] == 10 and found["upright"]
    assert found["mean"] == data["mean"] and 0 < found["mean"][0] < 1
    assert found["class_names"] == list(tiny_network.CLASS_NAMES)
    assert found["genotype_json"] == genotypes.get("DARTS_V2").to_json()


def test_an_export_sees_what_the_test_saw(run):
    assert export.arguments_of(run)["crop"] is None
    description = json.loads((run / "data.json").read_text())
    write(run, {**description, "evaluation_crop": 0.5}, {"task": "image_classification"})
    assert export.arguments_of(run)["crop"] == 0.5


def test_a_run_of_before_is_not_turned(run):
    description = json.loads((run / "data.json").read_text())
    del description["bit_depth"]
    (run / "config.json").unlink()
    (run / "data.json").write_text(json.dumps(description))
    found = export.arguments_of(str(run))
    assert not found["upright"] and found["bit_depth"] is None


def test_export_model_takes_what_is_not_given(run, monkeypatch):
    """The rest of the export is stopped: only what it was told is looked at."""
    seen = []

    def stop(model, preprocessing, names, genotype_json, version):
        seen.append((preprocessing, names, genotype_json))
        raise UserError("stopped")

    monkeypatch.setattr(image_export, "check_arguments", stop)
    for options in ({}, {"mean": [0.25], "class_names": "abcd"}):
        with pytest.raises(UserError, match="stopped"):
            export.export_model(None, "MODEL", run_dir=run, **options)
    known = export.arguments_of(run)
    (first, names, genotype_json), (second, letters, _) = seen
    assert first.image_shape == (8, 8, 1) and first.mean == tuple(known["mean"])
    assert first.std == second.std == tuple(known["std"]) and first.bit_depth == 10
    assert names == tiny_network.CLASS_NAMES and genotype_json == known["genotype_json"]
    assert second.mean == (0.25,) and letters == tuple("abcd")


def test_without_either(tmp_path):
    with pytest.raises(UserError, match="give run_dir, the folder of the training, or image_shape"):
        export.export_model(tiny_network.build(), tmp_path, mean=[0.5])


def test_texts_and_series(tmp_path):
    text = datasets.load_text("python_topics")
    write(tmp_path, text.description(), {"task": "language_model"})
    found = export.arguments_of(tmp_path)
    assert found["unit"] == text.unit and found["genotype_json"] is None
    assert found["vocabulary"] == list(text.vocabulary)
    with pytest.raises(UserError, match="holds no network for images; see export.arguments_of"):
        export.export_model(None, "MODEL", run_dir=tmp_path)
    series = datasets.load_series("goog")
    write(tmp_path, series.description(), {"task": "forecasting"})
    found = export.arguments_of(tmp_path)
    assert found["series"]["columns"] == list(series.columns) and found["genotype_json"] is None


def test_refused(run):
    (run / "result.json").write_text(json.dumps({"data_sha256": "0"}))
    with pytest.raises(UserError, match="data.json is not the one of the training"):
        export.arguments_of(run)
    digest = fingerprint.digest(datasets.load_description(run / "data.json"))
    (run / "result.json").write_text(json.dumps({"data_sha256": digest}))
    assert export.arguments_of(run)
    (run / "config.json").write_text(json.dumps({"task": "chess"}))
    with pytest.raises(UserError, match="a network for the task 'chess'; of image_classification"):
        export.arguments_of(run)
    (run / "config.json").write_text("[]")
    with pytest.raises(UserError, match="config.json is damaged: expected a JSON object"):
        export.arguments_of(run)
    (run / "config.json").unlink()
    (run / "data.json").unlink()
    with pytest.raises(UserError, match="cannot read the data description .*data.json"):
        export.arguments_of(run)
