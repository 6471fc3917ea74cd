"""The command `darts-tf`, and where an installed package has its programs."""

import os
import pathlib
import runpy
import subprocess
import sys
import tomllib

import pytest
import setuptools

from darts_tf.common import command
from darts_tf.common.errors import UserError

ROOT = pathlib.Path(__file__).parents[2]


def test_the_verbs_are_the_programs():
    verbs = command.programs()
    assert {"search", "evaluate", "export", "serve", "tune", "forecast-baselines"} < {*verbs}
    assert verbs["search"] == "Searches a cell." and "config" not in verbs
    assert {verb.replace("-", "_") for verb in verbs} < {
        path.stem for path in (ROOT / "train").glob("*.py")
    }


def test_help(capsys):
    command.run(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: darts-tf VERB")
    assert any(line.split() == ["search", "Searches", "a", "cell."] for line in lines)


def test_no_such_verb():
    with pytest.raises(UserError, match="no darts-tf serch; expected one of auto, benchmark"):
        command.run(["serch"])


def test_becomes_the_program(tmp_path):
    """Also where a folder `train` of somebody else's lies."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "export.py").write_text("print('theirs')")
    done = subprocess.run(
        [sys.executable, "-m", "darts_tf.common.command", "export", "--run_dir=/nowhere"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --output_dir is missing; give the folder; see --help\n"


def test_an_installed_package_has_its_programs_inside(tmp_path, monkeypatch):
    package = tmp_path / "darts_tf"
    monkeypatch.setattr(command, "_PACKAGE", package)
    assert command.folder() == tmp_path
    (package / "programs" / "train").mkdir(parents=True)
    assert command.folder() == package / "programs"


def test_nothing_general_is_installed(monkeypatch):
    """All packages are the project's own, and all programs are among them."""
    given = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    places = given["package_dir"]
    assert {name.partition(".")[0] for name in given["packages"]} == {"darts_tf"}
    assert places == {"darts_tf.programs.train": "train"}
    inside = [name for name in given["packages"] if name.startswith("darts_tf.programs.")]
    assert set(inside) == {"darts_tf.programs.train", "darts_tf.programs.train.peers"}
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "darts_tf").rglob("*.py")}
    expected = {str(folder).replace(os.sep, ".") for folder in folders}
    assert set(given["packages"]) - {*inside} == expected
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["project"]["scripts"] == {"darts-tf": "darts_tf.common.command:main"}
