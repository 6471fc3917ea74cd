import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.datasets import fingerprint
from tests.serving import tiny_network
from tests.train.programs import start, start_all


def run(*flags):
    return start_all("train.export", {"it": flags})["it"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    network = tiny_network.write_run_folder(folder)
    data = json.loads((folder / "data.json").read_text())
    (folder / "result.json").write_text(json.dumps({"data_sha256": fingerprint.digest(data)}))
    photos = folder.parent / "photos"
    for name in ("cat", "dog"):
        (photos / name).mkdir(parents=True)
        for kind in ("png", "jpeg", "webp"):
            for number, image in enumerate(tiny_network.random_images(6, 3, 20)):
                encoded = tiny_network.encode(image, kind)
                (photos / name / f"{number}.{kind}").write_bytes(encoded)
    (folder / "config.json").write_text(json.dumps({"dataset": str(photos)}))
    return folder, network


def test_exports_a_run_folder(run_folder, tmp_path):
    folder, network = run_folder
    model = f"--output_dir={tmp_path / 'model'}"
    done = start("train.export", f"--run_dir={folder}", model, "--format=savedmodel,litert")
    assert done.returncode == 0, done.stderr
    # The data are those of the training, so nothing is to be said about them.
    checked, refused, litert, wrote = done.stdout.splitlines()
    assert checked.startswith(
        "checked the export against the Keras model on 16 random images and 16 image files: "
    )
    assert refused.startswith("5 of the 16 image files are of kinds that serving_bytes refuses")
    assert float(checked.split()[-1]) < 1e-6
    assert litert.startswith("model.tflite (litert): largest difference ")
    assert (tmp_path / "model" / "1" / "model.tflite").exists()
    assert wrote.startswith(f"wrote {tmp_path / 'model' / '1'} (0.")
    # The run is from before cameras' marks were followed: its data.json knows no bit_depth.
    assets = tmp_path / "model" / "1" / "assets"
    assert json.loads((assets / "preprocessing.json").read_text())["upright"] is False
    loaded = tf.saved_model.load(str(tmp_path / "model" / "1"))
    images = tiny_network.random_images(3)
    answer = loaded.signatures["serving_default"](images=tf.constant(images))
    expected = tiny_network.expected_probabilities(network, images)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_an_existing_export_is_not_overwritten(run_folder, tmp_path):
    (tmp_path / "model" / "1").mkdir(parents=True)
    done = run(f"--run_dir={run_folder[0]}", f"--output_dir={tmp_path / 'model'}")
    assert_refused(done, "exists already and is not overwritten")
    assert list((tmp_path / "model" / "1").iterdir()) == []


def test_missing_flags_and_folders():
    assert_refused(run(), "--run_dir is missing")
    assert_refused(run("--run_dir=/nowhere"), "--output_dir is missing")
    assert_refused(run("--run_dir=/nowhere", "--output_dir=x"), "--run_dir=/nowhere is no folder")
    assert_refused(
        run("--run_dir=/nowhere", "--output_dir=x", "--model_version=0"), "model_version"
    )


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data.json", None, "No such file"),
        ("data.json", b"{", "cannot read the data description"),
        ("data.json", b"[]", "expected a JSON object"),
        ("data.json", b"\xff\xfe", "cannot read"),
        ("data.json", {"mean": "0.5"}, "mean is '0.5', expected a JSON list"),
        ("data.json", {"class_names": [1, 2]}, "class_names is"),
        ("genotype.json", None, "genotype.json is missing"),
        ("model.keras", None, "is missing; --run_dir must be"),
    ],
)
def test_incomplete_run_folders(run_folder, tmp_path, name, content, reason):
    assert_refused(export_damaged(run_folder, tmp_path, name, content), reason)
    assert not (tmp_path / "model").exists()


def test_a_damaged_network(run_folder, tmp_path):
    done = export_damaged(run_folder, tmp_path, "model.keras", b"not a zip file")
    assert_refused(done, "cannot be loaded as a Keras model")
    assert not (tmp_path / "model").exists()


def test_data_of_another_training(run_folder, tmp_path):
    """Classes swapped after the training would give every answer another name."""
    folder = tmp_path / "run"
    shutil.copytree(run_folder[0], folder)
    data = json.loads((folder / "data.json").read_text())
    data["class_names"] = data["class_names"][::-1]
    (folder / "data.json").write_text(json.dumps(data))
    flags = [f"--run_dir={folder}", f"--output_dir={tmp_path / 'swapped'}"]
    assert_refused(
        run(*flags), "data.json is not the one of the training: it has changed since, or the "
    )
    assert not (tmp_path / "swapped").exists()


def export_damaged(run_folder, tmp_path, name, content):
    folder = tmp_path / "run"
    shutil.copytree(run_folder[0], folder)
    path = folder / name
    if content is None:
        path.unlink()
    elif isinstance(content, dict):
        path.write_text(json.dumps({**json.loads(path.read_text()), **content}))
    else:
        path.write_bytes(content)
    return run(f"--run_dir={folder}", f"--output_dir={tmp_path / 'model'}")


def assert_refused(done, reason):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert reason in errors[0]
    assert "Traceback" not in done.stderr


def test_a_network_for_another_task(run_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder[0], folder)
    (folder / "config.json").write_text(json.dumps({"task": "language_modeling"}))
    done = run(f"--run_dir={folder}", f"--output_dir={tmp_path / 'model'}")
    assert_refused(done, "holds a network for the task 'language_modeling'; of image_c")
