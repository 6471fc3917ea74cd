import pathlib

import pytest

from darts_tf.plots import style


@pytest.fixture
def without_pictures(monkeypatch):
    """Files of pictures are empty: to draw them takes longer than a tiny search."""
    monkeypatch.setattr(style, "save", lambda figure, path: pathlib.Path(path).touch())
