"""What a network predicted for the test images: predictions.json in the folder of a run."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple

FILE = "predictions.json"
_FOLDER = "mistakes"


class ClassResult(NamedTuple):
    """The test images of one class.

    Attributes:
        name: of the class.
        examples: how many there are.
        right: how many of them were recognised.
        taken_for: name of another class -> how many of them were taken for that.
    """

    name: str
    examples: int
    right: int
    taken_for: dict[str, int]


class Mistake(NamedTuple):
    """A test image of which the network was wrong.

    Attributes:
        example: its number in the test part, from 0.
        picture: the image, a PNG file's content.
        label: the right class.
        predicted: the class that the network named.
        probability: of the class that it named.
        label_probability: of the right one.
    """

    example: int
    picture: bytes
    label: str
    predicted: str
    probability: float
    label_probability: float


class Predictions(NamedTuple):
    """All classes, and the surest mistakes, the surest one first."""

    classes: list[ClassResult]
    mistakes: list[Mistake]


def of_content(content, read: Callable[[str], bytes | None]) -> Predictions | None:
    """The predictions in the content of such a file; None for a damaged one.

    Args:
        content: of the file, any value of JSON.
        read: the content of a file in the folder, None where it cannot be read. Mistakes without
            a picture are left out.
    """
    try:
        classes = [_class_result(row) for row in content["classes"]]
        mistakes = [_mistake(row, read) for row in content["mistakes"]]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    return Predictions(classes, [one for one in mistakes if one.picture])


def _class_result(row) -> ClassResult:
    taken_for = {str(name): int(count) for name, count in row["taken_for"].items()}
    found = ClassResult(str(row["name"]), int(row["examples"]), int(row["right"]), taken_for)
    if not 0 <= found.right <= found.examples:
        raise ValueError(f"{found.right} of {found.examples} were recognised")
    return found


def _mistake(row, read) -> Mistake:
    # No file elsewhere gets into a report because a foreign folder names it.
    path = pathlib.PurePath(row["picture"])
    picture = read(str(path)) if path.parts[:-1] == (_FOLDER,) and path.name != ".." else None
    return Mistake(
        int(row["example"]),
        picture or b"",
        str(row["label"]),
        str(row["predicted"]),
        float(row["probability"]),
        float(row["label_probability"]),
    )
