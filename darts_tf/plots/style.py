"""The style of all pictures: colours, names in words, and how a figure becomes a file."""

import pathlib
import re

import matplotlib
from matplotlib.figure import Figure

from darts_tf.common import files
from darts_tf.common.errors import UserError

# The palette of Okabe and Ito ("Color Universal Design", 2008), made to be told apart by people
# with any kind of colour vision.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
GREY = "#8A8A8A"
INK = "#222222"

_RC = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    # Glyphs as paths look the same everywhere; the salt makes the ids in the file repeatable.
    "svg.fonttype": "path",
    "svg.hashsalt": "darts_tf",
}

_FORMATS = (".svg", ".png")
_METADATA = {".svg": {"Date": None}, ".png": {"Software": None}}


def context():
    """The settings that figures are drawn and saved with, as a context manager."""
    return matplotlib.rc_context(_RC)


def check_path(path) -> pathlib.Path:
    """The path of a picture to be written.

    Raises:
        UserError: the suffix is neither `.svg` nor `.png`.
    """
    path = pathlib.Path(path)
    if path.suffix not in _FORMATS:
        raise UserError(
            f"cannot write the picture {str(path)!r}: its name must end in {' or '.join(_FORMATS)}"
        )
    return path


def save(figure: Figure, path: pathlib.Path) -> None:
    """Writes a figure; the file appears whole or not at all.

    Raises:
        UserError: the file system does not take it.
    """
    with files.whole(path) as temporary:
        figure.savefig(
            temporary,
            format=path.suffix[1:],
            dpi=150,
            facecolor="white",
            metadata=_METADATA[path.suffix],
        )


def with_indices(text: str) -> str:
    """A text in which c_{k-2}, h_t and their like are set as mathematics."""
    return re.sub(r"\b[chx]_(?:\{[^}]*\}|[kt]\b)", r"$\g<0>$", text)
