import json
import os
import subprocess
import sys

import keras
import pytest

from darts_tf.common.errors import UserError
from darts_tf.runs import run_folder
from darts_tf.runs.run_folder import RunFolder
from darts_tf.runs.settings import Changeable

CONFIG = {"program": "search", "epochs": 3, "shape": (8, 8)}


def test_a_new_folder(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b", CONFIG)
    assert not folder.resumed
    assert json.loads((tmp_path / "a/b/config.json").read_text()) == {**CONFIG, "shape": [8, 8]}
    versions = folder.read_json("versions.json")
    assert {"python", "platform", "keras", "tensorflow"} <= set(versions)
    assert sorted(os.listdir(folder.path)) == ["config.json", "versions.json"]


def test_the_same_settings_go_on(tmp_path):
    RunFolder(tmp_path, CONFIG)
    assert RunFolder(tmp_path, dict(reversed(CONFIG.items()))).resumed


@pytest.mark.parametrize(
    "begun", ["checkpoints/checkpoint-1.index", "metrics.jsonl", "result.json"]
)
@pytest.mark.parametrize(
    "changed, reason",
    [
        ({**CONFIG, "epochs": 4}, "epochs was 3 and is now 4"),
        ({**CONFIG, "seed": 1}, "seed was None and is now 1"),
        ({"program": "search", "shape": (8, 8)}, "epochs was 3 and is now None"),
        ({**CONFIG, "program": "evaluate"}, "program was 'search' and is now 'evaluate'"),
    ],
)
def test_other_settings_are_refused_by_name(tmp_path, changed, reason, begun):
    RunFolder(tmp_path, CONFIG)
    (tmp_path / begun).parent.mkdir(exist_ok=True)
    (tmp_path / begun).write_text("")
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UserError, match=reason):
        RunFolder(tmp_path, changed)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_run_that_has_computed_nothing_takes_other_settings(tmp_path):
    RunFolder(tmp_path, CONFIG)
    (tmp_path / "checkpoints").mkdir()
    folder = RunFolder(tmp_path, {**CONFIG, "epochs": 4})
    assert folder.resumed and folder.read_json("config.json")["epochs"] == 4
    with pytest.raises(UserError, match="program was 'search' and is now 'evaluate'"):
        RunFolder(tmp_path, {**CONFIG, "program": "evaluate"})


class TestAnExtension:
    CHANGEABLE = Changeable(free=("table",), raised=("epochs",))

    def begin(self, path, finished):
        folder = RunFolder(path, CONFIG)
        folder.write("metrics.jsonl", "{}\n{}\n")
        folder.checkpoints.mkdir()
        (folder.checkpoints / "ckpt-2.index").write_text("")
        if finished:
            folder.write_json("result.json", {"accuracy": 0.5})

    @pytest.mark.parametrize("finished", [False, True])
    def test_goes_on_and_is_written_down(self, tmp_path, finished):
        self.begin(tmp_path, finished)
        longer = {**CONFIG, "epochs": 5}
        folder = RunFolder(tmp_path, longer, changeable=self.CHANGEABLE)
        assert folder.resumed and not folder.finished
        expected = [{"setting": "epochs", "before": 3, "now": 5, "done": 2}]
        assert folder.extended == expected == folder.read_json("extensions.json")
        assert folder.read_json("config.json")["epochs"] == 5
        # An old result is never taken for that of the longer run, nor lost.
        assert folder.read_json("result.json") is None
        before = {"accuracy": 0.5} if finished else None
        assert folder.read_json("result_3_epochs.json") == before
        again = RunFolder(tmp_path, longer, changeable=self.CHANGEABLE)
        assert again.extended == expected
        with pytest.raises(UserError, match="epochs was 5 and is now 3, and can only be raised"):
            RunFolder(tmp_path, CONFIG, changeable=self.CHANGEABLE)

    def test_killed_before_the_settings_were_written(self, tmp_path, monkeypatch):
        self.begin(tmp_path, finished=True)
        longer = {**CONFIG, "epochs": 5}
        write = RunFolder.write_json

        def killed(folder, name, value):
            if name == "config.json":
                raise KeyboardInterrupt
            write(folder, name, value)

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(RunFolder, "write_json", killed)
            RunFolder(tmp_path, longer, changeable=self.CHANGEABLE)
        folder = RunFolder(tmp_path, longer, changeable=self.CHANGEABLE)
        assert len(folder.extended) == 1 and not folder.finished
        assert folder.read_json("result_3_epochs.json") == {"accuracy": 0.5}

    def test_needs_checkpoints(self, tmp_path):
        self.begin(tmp_path, finished=True)
        (tmp_path / "checkpoints" / "ckpt-2.index").unlink()
        with pytest.raises(UserError, match="a run of 3 epochs without checkpoints"):
            RunFolder(tmp_path, {**CONFIG, "epochs": 5}, changeable=self.CHANGEABLE)
        assert (tmp_path / "result.json").exists()

    def test_what_has_no_effect_extends_nothing(self, tmp_path):
        self.begin(tmp_path, finished=True)
        folder = RunFolder(tmp_path, {**CONFIG, "table": "a.csv"}, changeable=self.CHANGEABLE)
        assert folder.finished and folder.extended == []
        assert folder.read_json("config.json")["table"] == "a.csv"

    def test_nothing_computed_is_no_extension(self, tmp_path):
        RunFolder(tmp_path, CONFIG)
        folder = RunFolder(tmp_path, {**CONFIG, "epochs": 5}, changeable=self.CHANGEABLE)
        assert folder.extended == [] and not (tmp_path / "extensions.json").exists()


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="holds files but no run of this program"):
        RunFolder(tmp_path, CONFIG)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_damaged_config(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot read .*config.json.*give another --output_dir"):
        RunFolder(tmp_path, CONFIG)


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(UserError, match="cannot write to --output_dir"):
            RunFolder(path, CONFIG)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write to .*Permission denied"):
        RunFolder(tmp_path, CONFIG)
    tmp_path.chmod(0o700)


def test_another_process_writes_to_it(tmp_path):
    folder = RunFolder(tmp_path, CONFIG)
    source = (
        "import sys\nfrom darts_tf.runs.run_folder import RunFolder\n"
        "RunFolder(sys.argv[1], {'program': 'search', 'epochs': 4})"
    )
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", source, tmp_path], capture_output=True, text=True, check=False
    )
    assert f"UserError: --output_dir={tmp_path} is in use: another process" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    # A worker writes elsewhere, and shares it.
    RunFolder(tmp_path, CONFIG, writes=False)
    del folder


class TestRefusedRuns:
    def write(self, path):
        folder = RunFolder(path, CONFIG)
        folder.write_json("data.json", {})
        folder.file("genotype.json").write_text("{}")
        folder.file("tensorboard").mkdir()
        (folder.file("tensorboard") / "events").write_text("")
        (folder.path / "cell_normal.png").write_bytes(b"")
        return folder

    def test_leave_nothing(self, tmp_path):
        folder = self.write(tmp_path / "a" / "b")
        RunFolder.remove_unbegun()
        assert folder.path.name == "b" and not list(tmp_path.iterdir())

    def test_leave_what_was_there(self, tmp_path):
        (tmp_path / "a").mkdir()
        folder = self.write(tmp_path / "a")
        (tmp_path / "a" / "log.txt").write_text("the user's own")
        RunFolder.remove_unbegun()
        assert folder.path.name == "a" and os.listdir(tmp_path / "a") == ["log.txt"]

    @pytest.mark.parametrize("begun", ["metrics.jsonl", "tuner/trial_00/trial.json"])
    def test_leave_what_was_computed(self, tmp_path, begun):
        folder = self.write(tmp_path)
        folder.file(begun).parent.mkdir(parents=True, exist_ok=True)
        folder.file(begun).write_text("{}")
        before = sorted(tmp_path.rglob("*"))
        RunFolder.remove_unbegun()
        assert sorted(tmp_path.rglob("*")) == before

    def test_leave_the_run_that_they_should_have_gone_on_with(self, tmp_path):
        self.write(tmp_path)
        before = sorted(tmp_path.rglob("*"))
        folder = RunFolder(tmp_path, {**CONFIG, "epochs": 4})
        RunFolder.remove_unbegun()
        assert folder.resumed and sorted(tmp_path.rglob("*")) == before


def test_unfinished_files_of_a_killed_run(tmp_path):
    RunFolder(tmp_path, CONFIG)
    (tmp_path / ".part-0123456789ab-model.keras").write_bytes(b"half a model")
    RunFolder(tmp_path, CONFIG)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "versions.json"]


class TestWriting:
    def test_replaces_in_one_piece(self, tmp_path, monkeypatch):
        path = tmp_path / "file.txt"
        run_folder.write_file(path, "before")
        run_folder.write_file(path, b"after")
        assert path.read_text() == "after"

        def fail(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(UserError, match="cannot write .*file.txt: No space left on device"):
            run_folder.write_file(path, "half")
        assert path.read_text() == "after"
        assert os.listdir(tmp_path) == ["file.txt"]

    def test_json(self, tmp_path):
        folder = RunFolder(tmp_path, CONFIG)
        folder.write_json("value.json", {"a": [1, float("nan")]})
        assert "NaN" not in folder.file("value.json").read_text()
        assert folder.read_json("value.json") == {"a": [1, None]}
        assert folder.read_json("missing.json") is None

    def test_model(self, tmp_path, monkeypatch):
        folder = RunFolder(tmp_path, CONFIG)
        inputs = keras.Input((2,))
        model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        folder.write_model(model, "model.keras")
        assert keras.saving.load_model(tmp_path / "model.keras").count_params() == 3
        assert not list(tmp_path.glob("unfinished*"))

        def full(path):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(model, "save", full)
        before = (tmp_path / "model.keras").read_bytes()
        with pytest.raises(UserError, match="cannot write .*model.keras.*No space left"):
            folder.write_model(model, "model.keras")
        assert (tmp_path / "model.keras").read_bytes() == before


class TestAWorkerThatIsNotTheChief:
    def test_writes_elsewhere(self, tmp_path):
        RunFolder(tmp_path, CONFIG)
        before = sorted(tmp_path.rglob("*"))
        folder = RunFolder(tmp_path, CONFIG, writes=False)
        folder.write("metrics.jsonl", "{}")
        assert folder.file("metrics.jsonl").read_text() == "{}"
        assert folder.checkpoints == tmp_path / "checkpoints"
        assert folder.resumed and not folder.finished
        assert sorted(tmp_path.rglob("*")) == before

    def test_does_not_make_the_folder(self, tmp_path):
        RunFolder(tmp_path / "new", CONFIG, writes=False)
        assert not (tmp_path / "new").exists()

    def test_refuses_other_settings_too(self, tmp_path):
        RunFolder(tmp_path, CONFIG).write("result.json", "{}")
        assert RunFolder(tmp_path, CONFIG, writes=False).finished
        with pytest.raises(UserError, match="epochs was 3 and is now 4"):
            RunFolder(tmp_path, {**CONFIG, "epochs": 4}, writes=False)
