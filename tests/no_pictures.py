"""Files instead of pictures: to draw one takes longer than a tiny search."""

import pathlib


def touch(figure, path) -> None:
    """In the place of `darts_tf.plots.style.save`: the figure has been made, the file is empty.

    `tests/plots` draws every kind of picture, and programs that tests start from scratch do.
    """
    pathlib.Path(path).touch()
