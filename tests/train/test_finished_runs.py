"""Programs that comparisons start, once each."""

import json
import types

import pytest

from darts_tf.common.errors import UserError
from scripts import finished_runs


def test_a_finished_run_is_not_started_again(tmp_path, monkeypatch):
    (tmp_path / "result.json").write_text('{"epochs": 3}')
    (tmp_path / "processor_seconds.json").write_text("[1.5, 2.0]")
    monkeypatch.setattr(finished_runs.subprocess, "run", None)
    assert finished_runs.finish("search", tmp_path) == {"epochs": 3, "processor_seconds": 3.5}


def test_the_time_of_every_start_is_kept(tmp_path, monkeypatch):
    folder, started, used = tmp_path / "run", [], iter([10.0, 12.5, 20.0, 21.0])

    def run(command, check):
        started.append(command[1:])
        folder.mkdir(exist_ok=True)
        if len(started) == 2:
            (folder / "result.json").write_text("{}")
        return types.SimpleNamespace(returncode=2 - len(started))

    monkeypatch.setattr(finished_runs.subprocess, "run", run)
    monkeypatch.setattr(finished_runs, "_seconds_of_children", lambda: next(used))
    with pytest.raises(UserError, match="train.search for .*run ended with exit code 1; started"):
        finished_runs.finish("search", folder, "--seed=1", "--flagfile=x.flags")
    assert json.loads((folder / "processor_seconds.json").read_text()) == [2.5]
    again = finished_runs.finish("search", folder, "--seed=1", "--flagfile=x.flags")
    assert again == {"processor_seconds": 3.5}
    # What a flag file says of the seed gives way.
    command = ["-m", "train.search", "--flagfile=x.flags", "--seed=1", f"--output_dir={folder}"]
    assert started == [command, command]
