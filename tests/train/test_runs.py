"""The folder of a run tells other data and other settings from the same ones."""

import dataclasses
import json
import types

import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint
from darts_tf.runs.settings import Changeable
from train import data_flags, runs
from train.data_flags import DataConfig
from train.images import Images

X = np.random.RandomState(0).randint(0, 256, (20, 8, 8, 1)).astype(np.uint8)
Y = np.arange(20) % 2
CHANGEABLE = Changeable(raised=("epochs",))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(DataConfig):
    output_dir: str


def save(path, x=X, y=Y, names=("cat", "dog")):
    path.parent.mkdir(exist_ok=True)
    np.savez(path, x_train=x, y_train=y, class_names=np.array(names))
    return str(path)


def start(folder, dataset, *, changeable=CHANGEABLE, **settings):
    """Starts as a program does."""
    given = {name: settings.pop(name) for name in ("flip", "train_examples") if name in settings}
    config = Config(output_dir=folder, dataset=dataset, given=frozenset(given), **given)
    config, data = data_flags.load(runs.keep_augmentation(config, folder))
    decisive = {"program": "search", "epochs": 2, **settings, **config.decisive()}
    return runs.open_folder(config, decisive, data, changeable)


def begin(folder, dataset, finished=False, **settings):
    run = start(folder, dataset, **settings)
    run.write("metrics.jsonl", "{}\n")
    run.checkpoints.mkdir()
    (run.checkpoints / "ckpt-1.index").write_text("")
    if finished:
        run.write_json("result.json", {"test_accuracy": 0.5})
    return run


def of_an_earlier_version(folder, flip: bool) -> None:
    """Edits a folder into an earlier version's: no fingerprint, augmentation or ungiven flag."""
    data = json.loads((folder / "data.json").read_text())
    del data["fingerprint"], data["augmentation"]
    (folder / "data.json").write_text(json.dumps({**data, "flip": flip}))
    config = json.loads((folder / "config.json").read_text())
    del config["crop"]
    (folder / "config.json").write_text(json.dumps({**config, "flip": None}))


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(
    "change, reason",
    [
        (
            {"names": ("cat", "fox")},
            "holds a run on other data: class 1 was 'dog' and is now 'fox'",
        ),
        ({"x": X ^ 1}, "the training images, or their order, are other ones now"),
        ({"y": 1 - Y}, "the labels of the training images, or their order, are other ones now"),
        ({"x": X[:18], "y": Y[:18]}, "the number of training images was 16 and is now 14"),
    ],
)
def test_other_data_under_the_same_path_are_refused(tmp_path, change, reason, finished):
    path = tmp_path / "pets.npz"
    begin(tmp_path / "run", save(path), finished)
    before = {p: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()}
    with pytest.raises(UserError, match=reason):
        start(tmp_path / "run", save(path, **change))
    assert {p: p.read_bytes() for p in (tmp_path / "run").iterdir() if p.is_file()} == before


def test_a_run_that_has_computed_nothing_takes_other_data(tmp_path):
    path = tmp_path / "pets.npz"
    start(tmp_path / "run", save(path))
    start(tmp_path / "run", save(path, names=("cat", "fox")))
    kept = datasets.load_description(tmp_path / "run" / "data.json")
    assert kept["class_names"] == ["cat", "fox"]


def test_the_same_data_by_other_names_go_on(tmp_path, monkeypatch):
    path = save(tmp_path / "pets.npz")
    begin(tmp_path / "run", path, finished=True)
    monkeypatch.chdir(tmp_path)
    for dataset in (
        "./pets.npz",
        f"{tmp_path}//pets.npz",
        save(tmp_path / "moved" / "animals.npz"),
    ):
        run = start(tmp_path / "run", dataset, benchmark_table="table.csv")
        assert run.finished and run.extended == []
    assert run.read_json("config.json")["dataset"] == dataset
    # All 16 of 16 are the same images too.
    assert start(tmp_path / "run", path, train_examples=16).finished


def test_other_settings_of_the_data_are_named(tmp_path):
    path = save(tmp_path / "pets.npz")
    begin(tmp_path / "run", path)
    with pytest.raises(UserError, match=r"was 16 and is now 8.*\(--train_examples was None and is"):
        start(tmp_path / "run", path, train_examples=8)


def test_more_epochs(tmp_path, capsys):
    path = save(tmp_path / "pets.npz")
    begin(tmp_path / "run", path, finished=True)
    run = start(tmp_path / "run", path, epochs=3)
    assert not run.finished
    expected = {"setting": "epochs", "before": 2, "now": 3, "done": 1}
    found = runs.provenance(run, types.SimpleNamespace(digest=fingerprint.digest))
    assert found["extended"] == [expected]
    assert found["data_sha256"] == fingerprint.digest(run.read_json("data.json"))
    assert "begun for 2 epochs; after 1 it goes on with the learning" in capsys.readouterr().out
    with pytest.raises(UserError, match="epochs was 3 and is now 2, and can only be raised"):
        start(tmp_path / "run", path)
    with pytest.raises(UserError, match="epochs was 3 and is now 4. Give the same settings"):
        start(tmp_path / "run", path, changeable=Changeable(), epochs=4)


class TestAnEarlierVersion:
    def test_goes_on_with_a_line(self, tmp_path, capsys):
        path = tmp_path / "pets.npz"
        begin(tmp_path / "run", save(path))
        of_an_earlier_version(tmp_path / "run", flip=False)
        assert start(tmp_path / "run", str(path)).resumed
        note = "kept no fingerprint of the data: only classes, counts, size, mean and deviation"
        assert note in capsys.readouterr().out
        # From now on there is one.
        start(tmp_path / "run", str(path))
        assert note not in capsys.readouterr().out

    def test_what_it_kept_is_compared(self, tmp_path):
        path = tmp_path / "pets.npz"
        begin(tmp_path / "run", save(path))
        of_an_earlier_version(tmp_path / "run", flip=False)
        with pytest.raises(UserError, match="class 1 was 'dog' and is now 'fox'"):
            start(tmp_path / "run", save(path, names=("cat", "fox")))

    @pytest.mark.parametrize("flip", [True, False])
    def test_goes_on_with_its_augmentation(self, tmp_path, flip):
        """It mirrored images of one's own; a run must not change that in the middle."""
        path = save(tmp_path / "pets.npz")
        begin(tmp_path / "run", path)
        of_an_earlier_version(tmp_path / "run", flip)
        run = start(tmp_path / "run", path)
        assert run.read_json("data.json")["augmentation"]["flip"] == flip
        with pytest.raises(UserError, match=f"flip was {flip} and is now {not flip}"):
            start(tmp_path / "run", path, flip=not flip)


class TestAugmentation:
    def test_own_images_are_not_mirrored_unless_asked(self, tmp_path, capsys):
        path = save(tmp_path / "pets.npz")
        run = start(tmp_path / "run", path)
        expected = {"crop_padding": 1, "flip": False, "cutout": 0}
        assert run.read_json("data.json")["augmentation"] == expected
        assert run.read_json("config.json")["flip"] is False
        line = "training images: shifted by up to 1 pixel, not mirrored, nothing cut out (change "
        assert line + "that with --nocrop, --flip" in capsys.readouterr().out
        mirrored = start(tmp_path / "mirrored", path, flip=True)
        assert mirrored.read_json("data.json")["augmentation"]["flip"] is True
        assert "half of them mirrored" in capsys.readouterr().out

    def test_without_crop(self):
        data = Images(DataConfig(crop=False), datasets.load("digits"))
        assert data.augmentation == datasets.Augmentation()
        assert "--crop, --flip" in data.training_line()

    def test_a_finished_run_says_nothing(self, tmp_path, capsys):
        path = save(tmp_path / "pets.npz")
        begin(tmp_path / "run", path, finished=True)
        capsys.readouterr()
        start(tmp_path / "run", path)
        assert "training images" not in capsys.readouterr().out
