import importlib
import sys

import pytest

from darts_tf.common.hidden_modules import hidden


def test_a_package_that_is_there(tmp_path, monkeypatch):
    (tmp_path / "heavy_package.py").write_text("weight = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with hidden("heavy_package"), pytest.raises(ImportError):
        importlib.import_module("heavy_package")
    assert importlib.import_module("heavy_package").weight == 1
    with hidden("heavy_package"):
        assert importlib.import_module("heavy_package").weight == 1
    del sys.modules["heavy_package"]


def test_a_package_that_is_missing():
    with hidden("no_such_package", "sys"):
        assert importlib.import_module("sys") is sys
    assert "no_such_package" not in sys.modules
