import contextlib
import importlib
import os

import pytest

from darts_tf.common import hidden_modules
from train import startup


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
