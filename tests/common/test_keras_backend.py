import sys

import keras
import pytest

import darts_tf
from darts_tf.common import keras_backend
from darts_tf.common.errors import UserError


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    expected = "the backend 'jax'; .* start Python with KERAS_BACKEND=tensorflow"
    with pytest.raises(UserError, match=expected):
        keras_backend.check()


def test_a_backend_that_is_not_installed(monkeypatch):
    """Importing Keras fails then, wherever in the package it happens first."""
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(darts_tf._MODULES, "Supernet", "missing_module")
    with pytest.raises(UserError, match="cannot be imported .* KERAS_BACKEND=tensorflow"):
        darts_tf.Supernet  # noqa: B018


def test_tensorflow_is_taken():
    keras_backend.check()
