"""The style of all pictures: colours, names in words, and how a figure becomes a file."""

import pathlib
import re

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
GRID = "#E4E4E4"
#: Of several curves in one picture, in this order.
CURVES = (BLUE, VERMILION, GREEN, ORANGE, SKY, GREY)
_DASHES = ("-", "--", "-.", ":")

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


def heading(figure: Figure, text: str | None) -> None:
    """The heading of a figure of several panels, in bold at the left; none for an empty text."""
    if text:
        figure.suptitle(text, fontsize=13, weight="bold", x=0.01, ha="left")


def panel(axes, title: str, xlabel: str = "", *, counted: bool = True) -> None:
    """Heading, grid and frame of a panel of curves.

    Args:
        axes: the panel.
        title: what its y axis is.
        xlabel: what its x axis is.
        counted: whether that is in whole numbers, such as epochs.
    """
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(xlabel)
    if counted:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes, **options) -> None:
    """The legend of a panel of curves."""
    axes.legend(frameon=False, fontsize=9, handlelength=3, **options)


def legend_above(axes) -> None:
    """The legend of a panel of two curves at the right of its title, where no curve is."""
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
    legend(axes, ncols=2, columnspacing=1.2, **place)


def curve(number: int, points: int) -> dict:
    """The look of one of several curves; where two are equal, both are seen."""
    look = {"color": CURVES[number % len(CURVES)], "linestyle": _DASHES[number % len(_DASHES)]}
    return {**look, **markers(points)}


def markers(count: int, marker: str = "o") -> dict:
    """The markers of a curve of so many points: one that is alone would not be seen without."""
    return {"marker": marker if count <= 30 else None, "markersize": 4, "linewidth": 1.8}


def lighter(colour: str, share: float) -> tuple[float, ...]:
    """A colour mixed with a share of white, from 0 to 1."""
    return tuple((1 - share) * part + share for part in to_rgb(colour))


def with_indices(text: str) -> str:
    """A text in which c_{k-2}, h_t and their like are set as mathematics."""
    return re.sub(r"\b[chx]_(?:\{[^}]*\}|[kt]\b)", r"$\g<0>$", text)
