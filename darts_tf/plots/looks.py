"""How an operation looks in the drawing of a cell."""

from collections.abc import Iterable
from typing import NamedTuple

from darts_tf.genotypes import decidedness
from darts_tf.plots import style

#: The dashes of an operation that is close to a draw.
UNDECIDED = "dashed"


class Look(NamedTuple):
    """Colour of the operation's box and its lines, of its text, and dashes."""

    colour: str
    text: str = "white"
    dashes: str = "solid"

    @property
    def face(self):
        """The inside of the box: pale where the operation is close to a draw, white for none."""
        if self.dashes == "solid":
            return self.colour
        return style.lighter(self.colour, 0.75 if self.dashes == UNDECIDED else 1.0)


def of(operation: str, lead: float | None = None) -> Look:
    """How an operation is drawn.

    Args:
        operation: its name.
        lead: by what share its weight is above the next one's; None for an operation that was not
            chosen by weights.
    """
    look = _of_kind(operation)
    if lead is not None and lead < decidedness.CLOSE:
        return look._replace(text=style.INK, dashes=UNDECIDED)
    return look


def note(looks: Iterable[Look]) -> str | None:
    """The explanation that a picture with these needs; None if none."""
    dashed = any(look.dashes == UNDECIDED for look in looks)
    return "dashed: close to a draw with the next operation" if dashed else None


def _of_kind(operation: str) -> Look:
    if operation == "none":
        return Look(style.GREY, text=style.GREY, dashes="dotted")
    if operation == "noise":
        return Look(style.GREY)
    if operation in ("skip_connect", "identity"):
        return Look(style.GREEN)
    if "pool" in operation or operation in ("tanh", "sigmoid"):
        return Look(style.ORANGE, text=style.INK)
    if operation.startswith("dil_conv"):
        return Look(style.SKY, text=style.INK)
    return Look(style.BLUE)
