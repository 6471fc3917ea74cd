"""The names that users import from the package itself."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

import darts_tf


@pytest.mark.parametrize("name", darts_tf.__all__)
def test_every_public_name_exists_and_is_documented(name):
    value = getattr(darts_tf, name)
    assert value.__doc__ or isinstance(value, Mapping)
    assert name in dir(darts_tf)


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'Darts'"):
        darts_tf.Darts  # noqa: B018


def test_importing_the_package_imports_neither_keras_nor_tensorflow():
    code = "import sys, darts_tf; sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
