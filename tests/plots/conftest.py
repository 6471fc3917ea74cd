import pytest

from darts_tf.plots import style


@pytest.fixture
def drawn(monkeypatch):
    """Collects the figures that are drawn, instead of writing them."""
    figures = []
    monkeypatch.setattr(style, "save", lambda figure, path: figures.append(figure))
    return figures
