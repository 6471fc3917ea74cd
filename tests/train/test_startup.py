import contextlib
import importlib
import os
import subprocess
import sys

import pytest

from darts_tf.common import hidden_modules
from tests.forks import REPOSITORY
from train import startup

# Imports every program in a process of its own, until it would import TensorFlow or Keras.
FIRST_IMPORTS = """
import importlib, os, pathlib, sys

class Found(BaseException):
    pass

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras"):
            raise Found("train.startup" in sys.modules)

for folder in ("train", "scripts"):
    for path in sorted(pathlib.Path(folder).glob("*.py")):
        if "program.run(main)" in path.read_text() and not os.fork():
            sys.meta_path.insert(0, Finder())
            try:
                importlib.import_module(f"{folder}.{path.stem}")
                print(path, "none", flush=True)
            except Found as found:
                print(path, found, flush=True)
            finally:
                os._exit(0)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
"""


def test_programs_import_tensorflow_by_it():
    command = [sys.executable, "-c", FIRST_IMPORTS]
    done = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    found = dict(line.split() for line in done.stdout.splitlines())
    assert found.pop("train/report.py") == found.pop("train/serve.py") == "none"
    assert {"train/search.py", "scripts/growth_cost.py"} <= set(found)
    assert sum(value == "True" for value in found.values()) > 20
    assert [path for path, value in found.items() if value == "False"] == []


@pytest.mark.parametrize(
    ("cores", "given", "expected"),
    [
        (2, {}, {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}),
        (2, {"TF_NUM_INTEROP_THREADS": "7"}, {"TF_NUM_INTEROP_THREADS": "7"}),
        (32, {}, {}),
    ],
)
def test_threads(monkeypatch, cores, given, expected):
    monkeypatch.setattr(os, "environ", dict(given))
    startup._give_each_core_an_operation(cores)
    assert os.environ == expected


def test_tensorflow_does_not_import_what_is_not_needed(monkeypatch):
    asked = []

    def hidden(*names):
        asked.extend(names)
        return contextlib.nullcontext()

    monkeypatch.setattr(hidden_modules, "hidden", hidden)
    importlib.reload(startup)
    assert asked == ["jax", "matplotlib", "pandas", "sklearn"]
    monkeypatch.undo()
    importlib.reload(startup)
